"""How the values of a parameter are drawn; each expression is a plain list, as in v1.

The formulas are those of `docs/hyperdrive.md`; `stepwell-tune` applies them.
"""

from __future__ import annotations

from typing import Any, List

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

Expression = List[Any]


def choice(*options: Any) -> Expression:
    """One of several values, each as likely as another.

    Args:
        options: The values; or one list or range that holds them. A tuple is one value.

    Example:
        >>> choice(1, 2)
        ['choice', [[1, 2]]]
        >>> choice([1, 2])
        ['choice', [[1, 2]]]
    """
    grouped = [each for each in options if isinstance(each, (list, range))]
    if grouped and len(options) > 1:
        raise HyperDriveConfigException(
            "choice takes values, or one list of them; it was given a list beside other values"
        )
    values = list(grouped[0]) if grouped else list(options)
    if not values:
        raise HyperDriveConfigException("choice needs at least one value")
    return ["choice", [values]]


def randint(upper: int) -> Expression:
    """A whole number from 0 up to but not `upper`."""
    if isinstance(upper, bool) or not isinstance(upper, int) or upper < 1:
        raise HyperDriveConfigException(f"randint takes a whole number above 0, not {upper!r}")
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> Expression:
    """A number between two, each as likely as another."""
    _check_numbers("uniform", min_value, max_value)
    _check_order("uniform", min_value, max_value, strict=True)
    return ["uniform", [min_value, max_value]]


def quniform(min_value: float, max_value: float, q: int) -> Expression:
    """`round(uniform(min_value, max_value) / q) * q`."""
    _check_numbers("quniform", min_value, max_value)
    _check_order("quniform", min_value, max_value, strict=True)
    return ["quniform", [min_value, max_value, _checked_step("quniform", q)]]


def loguniform(min_value: float, max_value: float) -> Expression:
    """`exp(uniform(min_value, max_value))`: the logarithm lies between the two."""
    _check_numbers("loguniform", min_value, max_value)
    _check_order("loguniform", min_value, max_value, strict=False)
    return ["loguniform", [min_value, max_value]]


def qloguniform(min_value: float, max_value: float, q: int) -> Expression:
    """`round(exp(uniform(min_value, max_value)) / q) * q`."""
    _check_numbers("qloguniform", min_value, max_value)
    _check_order("qloguniform", min_value, max_value, strict=False)
    return ["qloguniform", [min_value, max_value, _checked_step("qloguniform", q)]]


def normal(mu: float, sigma: float) -> Expression:
    """A number of the normal distribution with mean `mu` and deviation `sigma`."""
    _check_normal("normal", mu, sigma)
    return ["normal", [mu, sigma]]


def qnormal(mu: float, sigma: float, q: int) -> Expression:
    """`round(normal(mu, sigma) / q) * q`."""
    _check_normal("qnormal", mu, sigma)
    return ["qnormal", [mu, sigma, _checked_step("qnormal", q)]]


def lognormal(mu: float, sigma: float) -> Expression:
    """`exp(normal(mu, sigma))`."""
    _check_normal("lognormal", mu, sigma)
    return ["lognormal", [mu, sigma]]


def qlognormal(mu: float, sigma: float, q: int) -> Expression:
    """`round(exp(normal(mu, sigma)) / q) * q`."""
    _check_normal("qlognormal", mu, sigma)
    return ["qlognormal", [mu, sigma, _checked_step("qlognormal", q)]]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_numbers(name: str, *values: Any) -> None:
    for value in values:
        if not _is_number(value):
            raise HyperDriveConfigException(f"{name} takes numbers, not {value!r}")


def _check_order(name: str, low: float, high: float, strict: bool) -> None:
    if low > high or (strict and low == high):
        raise HyperDriveConfigException(
            "{} expects min_value {} max_value, not {} and {}".format(
                name, "<" if strict else "<=", low, high
            )
        )


def _check_normal(name: str, mu: float, sigma: float) -> None:
    _check_numbers(name, mu, sigma)
    if sigma < 0:
        raise HyperDriveConfigException(f"{name} expects sigma >= 0, not {sigma}")


def _checked_step(name: str, q: Any) -> Any:
    if not _is_number(q) or q != int(q):
        raise HyperDriveConfigException(f"{name} takes a whole number q, not {q!r}")
    return q
