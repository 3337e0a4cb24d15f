"""When trials are stopped early; `docs/hyperdrive.md` has the rules."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Optional

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException


class EarlyTerminationPolicy(object):
    """The base of all policies."""

    POLICY_NAME: ClassVar[str] = ""

    def __init__(self, name: str, properties: Optional[Dict[str, Any]] = None) -> None:
        """A policy by its name in v1."""
        self._name = name
        self._properties = properties

    def to_json(self) -> Dict[str, Any]:
        """The description in v1's form.

        Returns:
            Its `name` and its `properties`.
        """
        if self._properties is None:
            return {"name": self._name}
        return {"name": self._name, "properties": self._properties}


class BanditPolicy(EarlyTerminationPolicy):
    """Stops a trial whose best value is worse than the best of all by more than a slack.

    Example:
        >>> policy = BanditPolicy(evaluation_interval=2, slack_factor=0.1, delay_evaluation=5)
        >>> policy.to_json()["properties"]["slack_factor"]
        0.1
    """

    POLICY_NAME: ClassVar[str] = "Bandit"

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: Optional[float] = None,
        slack_amount: Optional[float] = None,
        delay_evaluation: int = 0,
    ) -> None:
        """Exactly one of a factor and an amount.

        Args:
            evaluation_interval: At which multiples of logged values it is asked.
            slack_factor: Worse than `best / (1 + slack_factor)`, when more is better.
            slack_amount: Worse than `best - slack_amount`, when more is better.
            delay_evaluation: How many values are waited for.

        Raises:
            HyperDriveConfigException: Both or neither are given, or a number is no whole one.
        """
        _check_interval(evaluation_interval, delay_evaluation)
        if (slack_factor is None) == (slack_amount is None):
            raise HyperDriveConfigException(
                "Bandit termination policy expects exactly one of slack factor or slack amount "
                "to be set."
            )
        properties: Dict[str, Any] = {
            "evaluation_interval": evaluation_interval,
            "delay_evaluation": delay_evaluation,
        }
        if slack_factor:
            properties["slack_factor"] = slack_factor
        else:
            # v1 drops a factor of 0 and sends the amount, whatever it is.
            properties["slack_amount"] = slack_amount
        super().__init__(self.POLICY_NAME, properties)
        self._slack_factor = slack_factor
        self._evaluation_interval = evaluation_interval
        self._delay_evaluation = delay_evaluation

    @property
    def slack_factor(self) -> Optional[float]:
        """The slack as a factor."""
        return self._slack_factor

    @property
    def evaluation_interval(self) -> int:
        """At which multiples of logged values it is asked."""
        return self._evaluation_interval

    @property
    def delay_evaluation(self) -> int:
        """How many values are waited for."""
        return self._delay_evaluation


class MedianStoppingPolicy(EarlyTerminationPolicy):
    """Stops a trial whose best value is worse than the median of the averages of all."""

    POLICY_NAME: ClassVar[str] = "MedianStopping"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        """Ask at multiples of `evaluation_interval`, after `delay_evaluation` values."""
        _check_interval(evaluation_interval, delay_evaluation)
        super().__init__(
            self.POLICY_NAME,
            {"evaluation_interval": evaluation_interval, "delay_evaluation": delay_evaluation},
        )
        self._evaluation_interval = evaluation_interval
        self._delay_evaluation = delay_evaluation

    @property
    def evaluation_interval(self) -> int:
        """At which multiples of logged values it is asked."""
        return self._evaluation_interval

    @property
    def delay_evaluation(self) -> int:
        """How many values are waited for."""
        return self._delay_evaluation


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    """Stops the given share of the trials with the worst values."""

    POLICY_NAME: ClassVar[str] = "TruncationSelection"

    def __init__(
        self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0
    ) -> None:
        """Stop the worst `truncation_percentage` of 100, from 1 to 99."""
        _check_whole("truncation_percentage", truncation_percentage)
        if not 1 <= truncation_percentage <= 99:
            raise HyperDriveConfigException(
                "truncation_percentage expects value to be between 1 and 99."
            )
        _check_interval(evaluation_interval, delay_evaluation)
        super().__init__(
            self.POLICY_NAME,
            {
                "evaluation_interval": evaluation_interval,
                "delay_evaluation": delay_evaluation,
                "truncation_percentage": truncation_percentage,
                "exclude_finished_jobs": False,
            },
        )
        self._truncation_percentage = truncation_percentage
        self._evaluation_interval = evaluation_interval
        self._delay_evaluation = delay_evaluation

    @property
    def truncation_percentage(self) -> int:
        """The share in hundredths."""
        return self._truncation_percentage

    @property
    def evaluation_interval(self) -> int:
        """At which multiples of logged values it is asked."""
        return self._evaluation_interval

    @property
    def delay_evaluation(self) -> int:
        """How many values are waited for."""
        return self._delay_evaluation


class NoTerminationPolicy(EarlyTerminationPolicy):
    """All trials run to their end."""

    POLICY_NAME: ClassVar[str] = "Default"

    def __init__(self) -> None:
        """No policy."""
        super().__init__(self.POLICY_NAME)


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise HyperDriveConfigException(f"{name} expects a whole number, not {value!r}")


def _check_interval(evaluation_interval: Any, delay_evaluation: Any) -> None:
    _check_whole("evaluation_interval", evaluation_interval)
    _check_whole("delay_evaluation", delay_evaluation)
