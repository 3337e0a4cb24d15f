"""The key vault of a workspace. Secrets are not kept yet, so every call says what to do instead."""

from __future__ import annotations

from typing import Any, Dict, List, NoReturn, Optional

from azureml._not_yet import not_yet


class KeyVaultContentType:
    """What the text of a secret is."""

    not_provided = "Not provided"


class Keyvault:
    """The secrets of a workspace."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def set_secret(
        self, name: str, value: str, content_type: str = KeyVaultContentType.not_provided
    ) -> None:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def set_secrets(self, secrets_batch: Dict[str, str]) -> None:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def get_secret(self, name: str) -> Optional[str]:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def get_secrets(self, secrets: List[str]) -> Dict[str, Optional[str]]:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def get_secret_content_type(self, name: str) -> str:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def delete_secret(self, name: str) -> None:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def delete_secrets(self, secrets: List[str]) -> None:
        """Refuse: secrets are not kept yet."""
        _refuse()

    def list_secrets(self) -> List[Dict[str, Any]]:
        """Refuse: secrets are not kept yet."""
        _refuse()


def _refuse() -> NoReturn:
    not_yet(
        "secrets are not kept by Stepwell yet; set an environment variable where the server is "
        "started and read it with os.environ"
    )
