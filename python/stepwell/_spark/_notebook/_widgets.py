"""`dbutils.widgets`: the parameters of a notebook.

A value that the step gives goes before the default in the notebook; it can be read whether or not
the notebook makes a widget of that name.
"""

from __future__ import annotations

import difflib
from typing import Any, Dict, List, Mapping, Optional


class InputWidgetNotDefined(KeyError):
    """No widget and no parameter has this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class Widgets(object):
    """The widgets of one notebook."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._defaults: Dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: Optional[str] = None) -> None:
        """A widget with free text."""
        self._defaults[name] = str(defaultValue)

    def dropdown(
        self, name: str, defaultValue: str, choices: Any, label: Optional[str] = None
    ) -> None:
        """A widget with one of the choices."""
        self._choose(name, [str(defaultValue)], choices)
        self._defaults[name] = str(defaultValue)

    def combobox(
        self, name: str, defaultValue: str, choices: Any, label: Optional[str] = None
    ) -> None:
        """A widget with one of the choices or other text."""
        self._defaults[name] = str(defaultValue)

    def multiselect(
        self, name: str, defaultValue: str, choices: Any, label: Optional[str] = None
    ) -> None:
        """A widget with some of the choices, divided by commas."""
        self._choose(name, [str(defaultValue)], choices)
        self._defaults[name] = str(defaultValue)

    def get(self, name: str) -> str:
        """The value of a widget or parameter.

        Raises:
            InputWidgetNotDefined: Naming those there are.
        """
        if name in self._given:
            return self._given[name]
        if name in self._defaults:
            return self._defaults[name]
        names = self._names()
        near = difflib.get_close_matches(name, names, 1)
        raise InputWidgetNotDefined(
            "no widget and no parameter is named `{}`; {}".format(
                name,
                f"did you mean `{near[0]}`?"
                if near
                else "there are {}".format(", ".join("`%s`" % each for each in names) or "none"),
            )
        )

    def getArgument(self, name: str, defaultValue: Optional[str] = None) -> str:
        """The value of a widget or parameter; the default when nothing has this name."""
        if defaultValue is not None and name not in self._names():
            return defaultValue
        return self.get(name)

    def give(self, name: str, value: str) -> None:
        """Set a parameter, as `%run` does."""
        self._given[name] = value

    def getAll(self) -> Dict[str, str]:
        """The values of all widgets and parameters."""
        return {name: self.get(name) for name in self._names()}

    def remove(self, name: str) -> None:
        """Remove a widget; a parameter of the step stays."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        """Remove all widgets; parameters of the step stay."""
        self._defaults.clear()

    def _names(self) -> List[str]:
        return list(dict.fromkeys(list(self._given) + list(self._defaults)))

    def _choose(self, name: str, values: List[str], choices: Any) -> None:
        allowed = [str(choice) for choice in choices]
        for value in values:
            if value not in allowed:
                raise ValueError(
                    "the default `{}` of the widget `{}` is none of its choices: {}".format(
                        value, name, ", ".join(allowed)
                    )
                )
