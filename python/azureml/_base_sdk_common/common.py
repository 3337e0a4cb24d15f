"""Helpers of v1 that programs call although their module is internal."""

from __future__ import annotations

import re
from typing import Any


def perform_interactive_login(
    username: Any = None,
    password: Any = None,
    service_principal: Any = None,
    tenant: Any = None,
    allow_no_subscriptions: bool = False,
    identity: bool = False,
    use_device_code: bool = False,
    use_cert_sn_issuer: Any = None,
    cloud_type: Any = None,
) -> None:
    """Log in: nothing is needed, and no credential is looked at or kept."""


def check_valid_resource_name(resource_name: str, resource_type: str) -> None:
    """Refuse a name that v1 allows no resource to have.

    Raises:
        UserErrorException: The name is not 2 to 36 letters, digits, `-` and `_`.
    """
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{1,35}", resource_name):
        from azureml.exceptions import UserErrorException

        raise UserErrorException(
            f"{resource_type} name {resource_name!r} is not 2 to 36 letters, digits, `-` "
            "and `_`, beginning with a letter or "
            "a digit"
        )
