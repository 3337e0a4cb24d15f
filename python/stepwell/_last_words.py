"""The one line of a program's last output that says why it failed. Pure."""

from __future__ import annotations

_TRACEBACK = "Traceback (most recent call last)"
_MESSAGE = "Message: "


def last_words(detail: str) -> str:
    """The line with the exception of the last traceback, or the last line where there is none.

    The exceptions of `azureml` have several lines, of which the second one says what was wrong.

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
        return lines[-1].strip()
    exception, following = after[raised[0]].strip(), after[raised[0] + 1 :]
    if exception.endswith(":") and following and following[0].strip().startswith(_MESSAGE):
        kind = exception.rstrip(":").split()[-1]
        return f"{kind}: {following[0].strip()[len(_MESSAGE) :]}"
    return exception
