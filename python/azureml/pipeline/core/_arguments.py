"""The arguments of a step, each one a token of the command line.

Text is known when the pipeline is built; the place of an input or output and the value of a
parameter are filled in when the step starts, also within other text. `str` of a token is how v1
writes it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from azureml.pipeline.core._names import reference_token
from azureml.pipeline.core._parameter import PipelineParameter


class Token(object):
    """One token of a command line."""

    def __init__(self, text: str) -> None:
        """A token; `text` is its text, or the name of what it stands for."""
        self.text = text

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The token as the server takes it; `params` are the values of the step's parameters."""
        raise NotImplementedError

    def __str__(self) -> str:
        """How v1 writes it."""
        return self.text

    def __repr__(self) -> str:
        """The same as `str`, quoted for plain text."""
        return str(self)


class TextToken(Token):
    """Text as it is."""

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The text."""
        return {"literal": self.text}

    def __repr__(self) -> str:
        """The text in quotes."""
        return repr(self.text)


class InputToken(Token):
    """The place of an input."""

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The input's name."""
        return {"input": self.text}

    def __str__(self) -> str:
        """The reference to the input."""
        return reference_token(self.text)


class OutputToken(Token):
    """The place of an output."""

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The output's name."""
        return {"output": self.text}

    def __str__(self) -> str:
        """The reference to the output."""
        return reference_token(self.text)


class DatasetInputToken(InputToken):
    """The place of an input that is consumed as a dataset."""

    def __str__(self) -> str:
        """The marker of a consumed dataset."""
        return "DatasetConsumptionConfig:" + self.text


class DatasetOutputToken(OutputToken):
    """The place of an output that is configured as a dataset."""

    def __str__(self) -> str:
        """The marker of a configured output."""
        return "DatasetOutputConfig:" + self.text


class ParameterToken(Token):
    """The value of a parameter of the step."""

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The pipeline parameter that gives the value, or the value."""
        value = params[self.text]
        if isinstance(value, PipelineParameter):
            return {"parameter": value.name}
        return {"literal": str(value)}

    def __str__(self) -> str:
        """The variable that carries the value."""
        return "$AML_PARAMETER_" + self.text


class JoinedToken(Token):
    """Text with places and values of parameters in it."""

    def __init__(self, text: str, parts: List[Token]) -> None:
        """A token; `text` is what the program wrote, `parts` are what it is made of."""
        super().__init__(text)
        self.parts = parts

    def wire(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Its parts."""
        return {"text": [part.wire(params) for part in self.parts]}

    def __repr__(self) -> str:
        """The text in quotes."""
        return repr(self.text)
