"""The key vault of a workspace: secrets that programs keep and read by name.

The server keeps them sealed (docs/secrets.md). A name is the same in any case of its letters.

Invariant: a text is neither logged nor part of an error or of a `repr`.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple
from urllib.parse import quote

from azureml.exceptions import UserErrorException
from stepwell import errors


class KeyVaultContentType:
    """What the text of a secret is."""

    not_provided = "Not provided"


class Keyvault:
    """The secrets of a workspace.

    Example:
        >>> vault = workspace.get_default_keyvault()
        >>> vault.set_secret("database-password", "tell-nobody")
        >>> vault.get_secret("database-password")
        'tell-nobody'
    """

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def __repr__(self) -> str:
        """The workspace; no secrets."""
        return f"Keyvault({self.workspace!r})"

    def set_secret(
        self, name: str, value: str, content_type: str = KeyVaultContentType.not_provided
    ) -> None:
        """Keep a secret, or give the one of its name another text.

        Raises:
            UserErrorException: The name or the text cannot be one.
        """
        self._put(_name(name), _text(name, value), content_type)

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> None:
        """Keep several secrets; all names and texts are looked at before the first is kept.

        A text may come with its content type, as a pair.
        """
        if not isinstance(secrets_batch, Mapping):
            raise UserErrorException("`secrets_batch` is a dictionary of names and texts")
        batch = [(_name(name), *_typed(name, value)) for name, value in secrets_batch.items()]
        for name, text, content_type in batch:
            self._put(name, text, content_type)

    def get_secret(self, name: str) -> Optional[str]:
        """The text of a secret; `None` when there is none of that name."""
        found = self._find(_name(name))
        return None if found is None else str(found["value"])

    def get_secrets(self, secrets: Iterable[str]) -> Dict[str, Optional[str]]:
        """The texts of several secrets by name, `None` for those that are not there."""
        return {name: self.get_secret(name) for name in _names(secrets)}

    def get_secret_content_type(self, name: str) -> Optional[str]:
        """What the text of a secret is, as who set it said; `None` when there is no such secret."""
        wanted = _name(name).lower()
        for each in self._client.get("/secrets")["secrets"]:
            if each["name"].lower() == wanted:
                return str(each["content_type"]) or KeyVaultContentType.not_provided
        return None

    def delete_secret(self, name: str) -> None:
        """Forget a secret.

        Raises:
            UserErrorException: There is none of that name.
        """
        self._client.delete(_path(_name(name)))

    def delete_secrets(self, secrets: Iterable[str]) -> None:
        """Forget several secrets."""
        for name in _names(secrets):
            self.delete_secret(name)

    def list_secrets(self) -> List[Dict[str, Any]]:
        """The name and the id of each secret, without the texts."""
        return [
            {"name": each["name"], "id": self._client.url + "/api/v1" + _path(each["name"])}
            for each in self._client.get("/secrets")["secrets"]
        ]

    @property
    def _client(self) -> Any:
        return self.workspace._client

    def _put(self, name: str, text: str, content_type: str) -> None:
        known = "" if content_type == KeyVaultContentType.not_provided else str(content_type or "")
        self._client.put(_path(name), {"value": text, "content_type": known})

    def _find(self, name: str) -> Optional[Dict[str, Any]]:
        try:
            found: Dict[str, Any] = self._client.get(_path(name))
            return found
        except errors.NotFound:
            return None


def _path(name: str) -> str:
    return "/secrets/" + quote(name, safe="")


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise UserErrorException(f"the name of a secret is a text, not {name!r}")
    return name


def _names(secrets: Any) -> List[str]:
    if isinstance(secrets, str) or not isinstance(secrets, Iterable):
        raise UserErrorException(f"give a list of names, not {secrets!r}")
    return [_name(name) for name in secrets]


def _typed(name: str, value: Any) -> Tuple[str, str]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return _text(name, value[0]), str(value[1])
    return _text(name, value), KeyVaultContentType.not_provided


def _text(name: str, value: Any) -> str:
    # The value may be half of a secret, so an error names its type alone.
    if not isinstance(value, str):
        raise UserErrorException(
            "the text of the secret `{}` is no text but a {}{}".format(
                name,
                type(value).__name__,
                "; the variable that it comes from is not set" if value is None else "",
            )
        )
    return value
