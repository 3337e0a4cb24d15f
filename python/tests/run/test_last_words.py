"""What is shown of a program's last output when it has failed."""

from __future__ import annotations

import pytest

from azureml.exceptions import UserErrorException
from stepwell._last_words import last_words

FRAMES = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    go()\n'
KIND = "azureml.exceptions._azureml_exception.UserErrorException: "


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("", ""),
        ("one\n\n two \n", "two"),
        (FRAMES + "ValueError: no\n", "ValueError: no"),
        (FRAMES + "ValueError: first\nsecond\n", "ValueError: first"),
        (
            FRAMES + KIND + str(UserErrorException("no such data")),
            "UserErrorException: no such data",
        ),
        (FRAMES + "KeyError: 1\n\nDuring handling\n\n" + FRAMES + "OSError: 2\n", "OSError: 2"),
        ("one\nerror: no `x`\nhint: install it\n", "error: no `x`"),
        ("one\nhint: install it\n", "hint: install it"),
        (FRAMES, "go()"),
        (FRAMES + "    ^^^^\nAssertionError\n", "AssertionError"),
    ],
)
def test_the_line_that_says_why(detail: str, expected: str) -> None:
    assert last_words(detail) == expected
