"""Texts among the arguments of a step that name data or parameters.

A program may write data into a text, as in `"--out={}".format(output)`; the text then holds what v1
calls a reference. Here such a text becomes a token whose places are filled in when the step starts.

Invariant: a text that names data which the step does not have is refused; no reference reaches a
script as it stands.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from azureml.data import _written
from azureml.pipeline.core import _arguments as tokens
from azureml.pipeline.core._parameter import PipelineParameter

_OBJECT = re.compile(r"<azureml\.[\w.]+ object at 0x[0-9a-f]+>")
_WORD = re.compile(r"\S+")


def text_token(
    text: str, known: Mapping[str, tokens.Token], params: Mapping[str, Any]
) -> tokens.Token:
    """The token of a text.

    Args:
        text: The text.
        known: The tokens of the step's inputs and outputs by the texts that stand for them.
        params: The parameters of the step.

    Raises:
        ValueError: It names data that the step does not have.
    """
    described = _OBJECT.search(text)
    if described is not None:
        raise ValueError(
            f"the argument {text!r} holds {described.group()}, the description of an "
            "object; pass the object itself as "
            "an argument of its own"
        )
    every = {**known, **_parameters(text, params)}
    parts: List[tokens.Token] = []
    end = 0
    for start in _written.marks(text):
        if start < end:
            continue
        fitting = [reference for reference in every if text.startswith(reference, start)]
        if not fitting:
            raise ValueError(_unknown(text, start))
        reference = max(fitting, key=len)
        if start > end:
            parts.append(tokens.TextToken(text[end:start]))
        parts.append(every[reference])
        end = start + len(reference)
    if not parts:
        return tokens.TextToken(text)
    if end < len(text):
        parts.append(tokens.TextToken(text[end:]))
    return parts[0] if len(parts) == 1 else tokens.JoinedToken(text, parts)


def _parameters(text: str, params: Mapping[str, Any]) -> Dict[str, tokens.Token]:
    """The parameters that were written into a text, by what stands for them."""
    return {
        str(value): tokens.ParameterToken(value.name)
        for value in _written.objects_in(text)
        if isinstance(value, PipelineParameter) and value.name in params
    }


def _unknown(text: str, start: int) -> str:
    word = _WORD.match(text, start)
    return (
        "the argument {!r} names `{}`, which is neither among the inputs nor among the outputs and "
        "parameters of the step; add it to one of them".format(text, word.group() if word else "")
    )
