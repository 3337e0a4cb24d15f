"""Marks on functions and classes that may change; here they change nothing."""

from __future__ import annotations

import logging
from typing import TypeVar

module_logger = logging.getLogger(__name__)

Wrapped = TypeVar("Wrapped")


def experimental(wrapped: Wrapped) -> Wrapped:
    """What is decorated, as it is."""
    return wrapped
