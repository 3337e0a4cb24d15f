"""Parameters of a node: values it is given beside its data.

A value may be a pipeline parameter, which each submission settles anew.
"""

from __future__ import annotations

from typing import Any, Optional

from azureml.pipeline.core._names import variable_name


class ParamDef(object):
    """A parameter of a kind of node."""

    def __init__(
        self,
        name: str,
        default_value: Any = None,
        is_metadata_param: bool = False,
        is_optional: bool = False,
        set_env_var: bool = False,
        calculate_hash: bool = True,
        env_var_override: Optional[str] = None,
    ) -> None:
        """A parameter.

        Args:
            set_env_var: Whether the script finds it in an environment variable.
            env_var_override: The variable's name, if not `AML_PARAMETER_<name>`.
        """
        self.name = name
        self.default_value = default_value
        self.is_metadata_param = is_metadata_param
        self.is_optional = is_optional
        self.set_env_var = set_env_var
        self.calculate_hash = calculate_hash
        self.env_var_override = env_var_override

    def _variable(self) -> Optional[str]:
        """The environment variable that carries it, if one does."""
        return (self.env_var_override or variable_name(self.name)) if self.set_env_var else None


class Param(object):
    """A parameter of one node with its value."""

    def __init__(self, param_def: ParamDef) -> None:
        """The parameter with its default."""
        self.param_def = param_def
        self.name: str = param_def.name
        self.value: Any = param_def.default_value
        self.set_var: bool = param_def.set_env_var

    def set_value(self, param_value: Any) -> None:
        """Give it a value, which may be a pipeline parameter."""
        self.value = param_value

    def get_value(self) -> Any:
        """Its value."""
        return self.value
