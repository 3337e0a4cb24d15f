"""What a scoring script that answers with a status and headers imports."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional


class AMLResponse(object):
    """An answer of a scoring script."""

    def __init__(
        self,
        message: Any,
        status_code: int,
        headers: Optional[Mapping[str, str]] = None,
        json_str: bool = False,
    ) -> None:
        """An answer.

        Args:
            message: Its body.
            status_code: Its HTTP status.
            headers: Its headers.
            json_str: Whether the body is written as JSON.
        """
        self.status_code = status_code
        self.headers: Dict[str, str] = dict(headers or {})
        self.response: Any = json.dumps(message) if json_str else message
