"""The one line of a program's last output that says why it failed. Pure."""

from __future__ import annotations

_TRACEBACK = "Traceback (most recent call last)"
_MESSAGE = "Message: "


def last_words(detail: str) -> str:
    """The line with the exception of the last traceback, or the last line where there is none.

    The exceptions of `azureml` have several lines, of which the second one says what was wrong; a
    hint at the end is not what was wrong, where an error stands before it.

    Example:
        >>> last_words("Traceback (most recent call last):\\n  File 'a.py'\\nKeyError: 1\\nbye")
        'KeyError: 1'
    """
    lines = [line for line in detail.splitlines() if line.strip()]
    if not lines:
        return ""
    begins = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    after = lines[begins[-1] + 1 :] if begins else []
    raised = [number for number, line in enumerate(after) if not line[:1].isspace()]
    if not raised:
        return _before_hints(lines)
    exception, following = after[raised[0]].strip(), after[raised[0] + 1 :]
    if exception.endswith(":") and following and following[0].strip().startswith(_MESSAGE):
        kind = exception.rstrip(":").split()[-1]
        return f"{kind}: {following[0].strip()[len(_MESSAGE) :]}"
    return exception


def _before_hints(lines: list[str]) -> str:
    end = len(lines)
    while end and lines[end - 1].startswith("hint: "):
        end -= 1
    said = lines[end - 1] if end and lines[end - 1].startswith("error: ") else lines[-1]
    return said.strip()
