"""How a name that does not work yet says so.

One exception, one sentence: what is not there, and what to use instead if there is something.
"""

from __future__ import annotations

from typing import NoReturn

from azureml.exceptions import UserErrorException


class NotSupportedYet(UserErrorException):
    """The program asks for something that Stepwell does not do yet."""


def not_yet(sentence: str) -> NoReturn:
    """Raise `NotSupportedYet` with a sentence."""
    raise NotSupportedYet(sentence)
