"""Names that are there before they work say so when they are used."""

from __future__ import annotations

from typing import Any

import pytest

from azureml._not_yet import NotSupportedYet
from azureml._unsupported import Unsupported
from azureml.exceptions import UserErrorException
from azureml.pipeline import core, steps

LATER = sorted(
    (
        getattr(package, name)
        for package in (core, steps)
        for name in package.__all__
        if isinstance(getattr(package, name), type)
        and issubclass(getattr(package, name), Unsupported)
    ),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", LATER, ids=lambda kind: kind.__name__)
def test_constructing_one_says_in_one_sentence_that_it_is_not_there(kind: Any) -> None:
    with pytest.raises(NotSupportedYet) as caught:
        kind("anything", at="all")
    text = kind.sentence
    assert "not there yet" in text and text in str(caught.value)
    assert issubclass(NotSupportedYet, UserErrorException)


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = core.Nothing
