"""How the values of trials are chosen: drawn, all of a grid, or suggested by a model."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

_STEPS_MAX = 100_000


class HyperParameterSampling(object):
    """The base of all ways to choose values."""

    _METHOD = ""

    def __init__(
        self,
        sampling_method_name: str,
        parameter_space: Mapping[str, Any],
        properties: Optional[Mapping[str, Any]] = None,
        supported_distributions: Optional[Any] = None,
        distributions_validators: Optional[Any] = None,
    ) -> None:
        """A way to choose values.

        Args:
            sampling_method_name: Its name in v1.
            parameter_space: The parameters with their expressions.
            properties: Free; `{"seed": 1}` makes what is drawn the same each time.
            supported_distributions: The names of the expressions it takes; all when `None`.
            distributions_validators: More checks by the name of the expression.
        """
        self._sampling_method_name = sampling_method_name
        self._parameter_space = parameter_space
        self._properties = properties
        for name, expression in (parameter_space or {}).items():
            if supported_distributions is not None and isinstance(expression, list):
                self._check(name, expression, supported_distributions)
            check = (distributions_validators or {}).get(_kind(expression))
            if check is not None:
                check(name, expression)

    def to_json(self) -> Dict[str, Any]:
        """The description in v1's form.

        Returns:
            The `name` of the way, its `parameter_space` and its `properties`.
        """
        made: Dict[str, Any] = {
            "name": self._sampling_method_name,
            "parameter_space": self._parameter_space,
        }
        if self._properties:
            made["properties"] = self._properties
        return made

    def _check(self, name: str, expression: List[Any], known: Any) -> None:
        kind = _kind(expression)
        if kind not in known:
            raise HyperDriveConfigException(
                "{} takes {}; parameter `{}` is {}".format(
                    type(self).__name__, ", ".join(known), name, kind
                )
            )

    def __eq__(self, other: object) -> bool:
        """Whether another is described in the same way."""
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class RandomParameterSampling(HyperParameterSampling):
    """Each trial draws its values.

    Example:
        >>> sampling = RandomParameterSampling(
        ...     {"--rate": loguniform(-6, -1), "--depth": choice(3, 5, 7)}, properties={"seed": 1}
        ... )
        >>> sampling.to_json()["name"]
        'RANDOM'
    """

    _METHOD = "random"

    def __init__(
        self, parameter_space: Mapping[str, Any], properties: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Draw from `parameter_space`; `properties={"seed": 1}` draws the same each time.

        Args:
            parameter_space: The parameters with their expressions.
            properties: Free; `seed` is the one that counts.
        """
        super().__init__("RANDOM", parameter_space, properties)


class GridParameterSampling(HyperParameterSampling):
    """Every combination of the values is tried once; the last parameter changes fastest.

    Example:
        >>> sampling = GridParameterSampling({"--depth": choice(3, 5, 7), "--rate": choice(0.1, 1)})
        >>> sampling.to_json()["parameter_space"]["--depth"]
        ['choice', [[3, 5, 7]]]
    """

    _METHOD = "grid"

    def __init__(
        self, parameter_space: Mapping[str, Any], properties: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Try every combination of `parameter_space`, whose expressions are `choice`.

        Args:
            parameter_space: The parameters with their expressions.
            properties: Kept; a grid draws nothing.
        """
        super().__init__("GRID", parameter_space, properties, ("choice",))


class BayesianParameterSampling(HyperParameterSampling):
    """A model suggests values by what the trials before came to."""

    _METHOD = "bayesian"

    def __init__(
        self, parameter_space: Mapping[str, Any], properties: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Search `parameter_space`, whose expressions are `choice`, `uniform` or `quniform`.

        Raises:
            HyperDriveConfigException: An expression is of another kind, or has values that the
                model cannot compare.
        """
        if parameter_space is None:
            raise HyperDriveConfigException("BayesianParameterSampling needs a parameter_space")
        super().__init__(
            "BayesianOptimization",
            parameter_space,
            properties,
            ("choice", "uniform", "quniform"),
            {"choice": _check_choice, "quniform": _check_quniform},
        )


def _kind(expression: Any) -> str:
    return str(expression[0]) if isinstance(expression, list) and expression else ""


def _check_choice(name: str, expression: List[Any]) -> None:
    values = expression[1][0]
    if any(type(value) not in (int, float, str) for value in values):
        raise HyperDriveConfigException(
            f"the choices of `{name}` must be texts or numbers for Bayesian sampling"
        )
    texts = [isinstance(value, str) for value in values]
    if any(texts) and not all(texts):
        raise HyperDriveConfigException(f"the choices of `{name}` must be all texts or all numbers")


def _check_quniform(name: str, expression: List[Any]) -> None:
    low, high, step = expression[1]
    if any(not isinstance(value, int) for value in (low, high, step)):
        raise HyperDriveConfigException(
            f"quniform of `{name}` takes whole numbers for Bayesian sampling"
        )
    if step and (high - low) / step > _STEPS_MAX:
        raise HyperDriveConfigException(f"quniform of `{name}` has more than {_STEPS_MAX} steps")
