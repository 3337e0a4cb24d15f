"""The packages that each version of an estimator's framework brought in Azure ML. Pure.

Not here is what an estimator brought beside them: MKL, which wheels carry, and horovod and mpi4py,
which are built on the machine; a program that needs one names it. `torchvision` is the release that
fits the `torch` beside it.
"""

from __future__ import annotations

from typing import Dict, List, Optional

_TORCH = "torch=={}.* torchvision=={}.* tensorboard==1.14.0 future==0.17.1"

_BROUGHT: Dict[str, Dict[str, str]] = {
    "SKLearn": {"0.20.3": "scikit-learn==0.20.3 scipy==1.2.1 joblib==0.13.2"},
    "PyTorch": {
        "1.0": "torch==1.0.* torchvision==0.2.1",
        "1.1": _TORCH.format("1.1", "0.3"),
        "1.2": _TORCH.format("1.2", "0.4.0"),
        "1.3": _TORCH.format("1.3", "0.4"),
        "1.4": _TORCH.format("1.4", "0.5"),
        "1.5": _TORCH.format("1.5", "0.6"),
        "1.6": _TORCH.format("1.6", "0.7"),
    },
    "TensorFlow": {
        "1.10": "tensorflow==1.10.*",
        "1.12": "tensorflow==1.12.*",
        "1.13": "tensorflow==1.13.*",
        "2.0": "tensorflow==2.0.*",
        "2.1": "tensorflow==2.1.*",
        "2.2": "tensorflow==2.2.*",
        "2.3": "tensorflow==2.3.*",
    },
    "Chainer": {"5.1.0": "chainer==5.1.0", "7.0.0": "chainer==7.0.0"},
}


def brought_by(framework: Optional[str], version: Optional[str]) -> List[str]:
    """The packages of a version that was asked for; none for a version that is not known.

    Example:
        >>> brought_by("SKLearn", "0.20.3")
        ['scikit-learn==0.20.3', 'scipy==1.2.1', 'joblib==0.13.2']
    """
    return _BROUGHT.get(str(framework), {}).get(str(version), "").split()
