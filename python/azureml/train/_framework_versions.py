"""The packages that each version of an estimator's framework brought in Azure ML. Pure.

Not here is what an estimator brought beside them: MKL, which wheels carry, and horovod and mpi4py,
which are built on the machine; a program that needs one names it. `torchvision` is the release that
fits the `torch` beside it.
"""

from __future__ import annotations

from typing import Dict, List, Optional

# What newer releases broke, of packages that the frameworks ask for without an upper bound.
_LOGS = "tensorboard==1.14.0 future==0.17.1 protobuf<3.21"
_TORCH = "torch=={} torchvision=={}"
_TENSORFLOW = "tensorflow=={} protobuf<3.21 h5py<3 numpy<1.20"

_BROUGHT: Dict[str, Dict[str, str]] = {
    "SKLearn": {"0.20.3": "scikit-learn==0.20.3 scipy==1.2.1 joblib==0.13.2"},
    "PyTorch": {
        "1.0": f"{_TORCH.format('1.0.0', '0.2.1')} Pillow<7",
        "1.1": f"{_TORCH.format('1.1.0', '0.3.0')} Pillow<7 {_LOGS}",
        "1.2": f"{_TORCH.format('1.2.0', '0.4.0')} Pillow<7 {_LOGS}",
        "1.3": f"{_TORCH.format('1.3.0', '0.4.1')} Pillow<7 {_LOGS}",
        "1.4": f"{_TORCH.format('1.4.0', '0.5.0')} {_LOGS}",
        "1.5": f"{_TORCH.format('1.5.0', '0.6.0')} {_LOGS}",
        "1.6": f"{_TORCH.format('1.6.0', '0.7.0')} {_LOGS}",
    },
    "TensorFlow": {
        "1.10": _TENSORFLOW.format("1.10.0"),
        "1.12": _TENSORFLOW.format("1.12.0"),
        "1.13": _TENSORFLOW.format("1.13.1"),
        "2.0": _TENSORFLOW.format("2.0.0"),
        "2.1": _TENSORFLOW.format("2.1.0"),
        "2.2": _TENSORFLOW.format("2.2.0"),
        "2.3": _TENSORFLOW.format("2.3.0"),
    },
    "Chainer": {
        "5.1.0": "chainer==5.1.0 protobuf<3.21",
        "7.0.0": "chainer==7.0.0 protobuf<3.21",
    },
}


def brought_by(framework: Optional[str], version: Optional[str]) -> List[str]:
    """The packages of a version that was asked for; none for a version that is not known.

    Example:
        >>> brought_by("SKLearn", "0.20.3")
        ['scikit-learn==0.20.3', 'scipy==1.2.1', 'joblib==0.13.2']
    """
    return _BROUGHT.get(str(framework), {}).get(str(version), "").split()
