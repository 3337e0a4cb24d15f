"""Whether scripts start in interpreters that are loaded already, among environment variables."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

_WARM, _WARM_IMPORTS = "STEPWELL_WARM", "STEPWELL_WARM_IMPORTS"


class WarmChoices(object):
    """What a configuration with `environment_variables` says of warm starts; not of v1.

    It is kept among those variables, so it is saved with them.
    """

    environment_variables: Any

    @property
    def allow_warm(self) -> bool:
        """Whether scripts may start in an interpreter that is loaded already; not of v1.

        It is `STEPWELL_WARM=off` among the environment variables, so it is saved with them.
        """
        return self._variables().get(_WARM) != "off"

    @allow_warm.setter
    def allow_warm(self, allowed: bool) -> None:
        variables = {k: v for k, v in self._variables().items() if k != _WARM}
        self.environment_variables = variables if allowed else {**variables, _WARM: "off"}

    @property
    def warm_imports(self) -> List[str]:
        """Modules that such an interpreter loads beside those that are known to be safe; not of v1.

        They are in `STEPWELL_WARM_IMPORTS` among the environment variables.
        """
        named = self._variables().get(_WARM_IMPORTS, "")
        return [name.strip() for name in named.split(",") if name.strip()]

    @warm_imports.setter
    def warm_imports(self, modules: Sequence[str]) -> None:
        if isinstance(modules, str):
            raise ValueError("warm_imports is a list of modules; it was given a text")
        kept = {k: v for k, v in self._variables().items() if k != _WARM_IMPORTS}
        named = {_WARM_IMPORTS: ",".join(modules)} if modules else {}
        self.environment_variables = {**kept, **named}

    def _variables(self) -> Dict[str, str]:
        return self.environment_variables or {}
