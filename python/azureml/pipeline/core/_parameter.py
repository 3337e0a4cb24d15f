"""Pipeline parameters: values that may differ from one submission to the next.

Here are what a parameter may hold and which values may replace it. A parameter does not know
the pipeline it belongs to.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from azureml._suggest import did_you_mean, listed
from azureml.data._written import written
from azureml.pipeline.core._data_kinds import CONSUMPTION, DATA_PATH, DATASET, is_a


class PipelineParameter(object):
    """A named value of a pipeline with a default; each submission may set another.

    Example:
        >>> rate = PipelineParameter("rate", default_value=0.1)
        >>> train = PythonScriptStep(
        ...     "train.py",
        ...     source_directory="src",
        ...     arguments=["--rate", rate],
        ...     compute_target="cpu-cluster",
        ... )
        >>> run = experiment.submit(Pipeline(workspace, [train]), pipeline_parameters={"rate": 0.5})
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> run.find_step_run("train.py")[0].get_metrics()
        {'accuracy': 0.5}
    """

    def __init__(self, name: str, default_value: Any) -> None:
        """A parameter.

        Args:
            name: The name used at submission.
            default_value: A text, a number, a truth value, a `DataPath` or a dataset; its type
                is the type of every value the parameter can take.

        Raises:
            ValueError: The default is of another type.
        """
        if not _is_scalar(default_value) and not any(
            is_a(default_value, kind) for kind in (DATA_PATH, CONSUMPTION, DATASET)
        ):
            raise ValueError(
                f"the default of pipeline parameter `{name}` is of type "
                f"{type(default_value).__name__}; a parameter holds a str, "
                "int, float, bool, DataPath or dataset"
            )
        self.name = name
        self.default_value = default_value

    def __str__(self) -> str:
        """The name and the default, as v1 writes them."""
        text = f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"
        return written(text, self)

    def _is_scalar(self) -> bool:
        return _is_scalar(self.default_value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _type_code(value: Any) -> Optional[int]:
    """v1's code of a scalar's type. A bool counts as an int, because v1 asks in that order."""
    for code, kind in ((0, int), (1, float), (3, str)):
        if isinstance(value, kind):
            return code
    return None


def gathered(parameters: Iterable[PipelineParameter]) -> Dict[str, PipelineParameter]:
    """Parameters by name; one name with two defaults is an error."""
    found: Dict[str, PipelineParameter] = {}
    for parameter in parameters:
        known = found.setdefault(parameter.name, parameter)
        if known is not parameter and known.default_value != parameter.default_value:
            raise Exception(
                f"pipeline parameter `{parameter.name}` has two defaults, "
                f"{known.default_value!r} and {parameter.default_value!r}; give both the "
                "same "
                "default or one of them another name"
            )
    return found


def settled(
    known: Mapping[str, PipelineParameter], given: Optional[Mapping[str, Any]]
) -> Dict[str, Any]:
    """The value each parameter has in one submission: the given one, or its default."""
    values = {name: parameter.default_value for name, parameter in known.items()}
    for name, value in (given or {}).items():
        if name not in known:
            raise Exception(
                f"the pipeline has no parameter `{name}`; it has "
                f"{listed(sorted(known))}{did_you_mean(name, known)}"
            )
        _check_type(name, known[name].default_value, value)
        values[name] = value
    return values


def _check_type(name: str, default: Any, value: Any) -> None:
    if _is_scalar(default):
        if _type_code(value) != _type_code(default):
            raise Exception(
                "pipeline parameter `{0}` takes a value of type {1}, not {2}; pass {1}({3!r}), or "
                "make the default a {2}".format(
                    name, type(default).__name__, type(value).__name__, value
                )
            )
    elif type(value) is not type(default):
        raise TypeError(
            f"pipeline parameter `{name}` takes a {type(default).__name__}, not a "
            f"{type(value).__name__}"
        )
