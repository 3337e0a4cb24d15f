"""Suggests values for the trials of a search: `python -m stepwell._suggest`, with Optuna's TPE.

Each line of standard input is a question and is answered by one line: `{"values": {...}}` or
`{"error": "..."}`. A question holds all that is known, so equal questions have equal answers, also
by another process: `space`, `goal`, `seed`, `trial`, `known` (values with their scores) and
`running` (values of trials without one yet).
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Mapping

# So many trials are drawn before the model is asked; Optuna's own default.
STARTUP_TRIALS = 10


def suggest(question: Mapping[str, Any]) -> Dict[str, Any]:
    """The values that a question asks for."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces = {name: _Parameter(expression) for name, expression in question["space"]}
    distributions = {name: each.distribution(optuna) for name, each in spaces.items()}
    sampler = optuna.samplers.TPESampler(
        seed=(int(question["seed"]) + int(question["trial"])) % (1 << 32),
        n_startup_trials=STARTUP_TRIALS,
        constant_liar=True,
    )
    study = optuna.create_study(direction=question["goal"], sampler=sampler)
    for known in question["known"]:
        if spaces.keys() <= known["values"].keys():
            study.add_trial(
                optuna.trial.create_trial(
                    params=_inner(spaces, known["values"]),
                    distributions=distributions,
                    value=float(known["score"]),
                )
            )
    for values in question["running"]:
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.RUNNING,
                params=_inner(spaces, values),
                distributions=distributions,
            )
        )
    asked = study.ask(distributions)
    return {name: each.outer(asked.params[name]) for name, each in spaces.items()}


class _Parameter(object):
    """A parameter of the space between the search's form and Optuna's."""

    def __init__(self, expression: List[Any]) -> None:
        self.kind, self.arguments = expression

    def distribution(self, optuna: Any) -> Any:
        """Where Optuna looks for it."""
        if self.kind == "choice":
            return optuna.distributions.CategoricalDistribution(self.arguments[0])
        if self.kind == "uniform":
            return optuna.distributions.FloatDistribution(*self.arguments)
        low, high, q = self.arguments
        if not q:
            return optuna.distributions.FloatDistribution(low, high)
        # The formula rounds, so that the ends are multiples of q within half a step.
        return optuna.distributions.IntDistribution(round(low / q), round(high / q))

    @property
    def _step(self) -> float:
        return float(self.arguments[2] or 0) if self.kind == "quniform" else 0.0

    def inner(self, value: Any) -> Any:
        """A value of the search as Optuna has it."""
        return round(value / self._step) if self._step else value

    def outer(self, value: Any) -> Any:
        """A value of Optuna's as the search has it."""
        if not self._step:
            return value
        made = value * self._step
        return int(made) if made == int(made) else made


def _inner(spaces: Mapping[str, _Parameter], values: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: each.inner(values[name]) for name, each in spaces.items()}


def main() -> None:
    """Answer questions until there are no more."""
    for line in sys.stdin:
        try:
            answer: Dict[str, Any] = {"values": suggest(json.loads(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
