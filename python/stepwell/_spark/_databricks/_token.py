"""The token of a Databricks workspace: of the server's environment, else sealed with the secrets.

It is read when it is needed, and is in memory only: in no file, argument, log or error.
"""

from __future__ import annotations

from typing import Callable, Mapping, Optional

from stepwell import errors
from stepwell._spark._notebook._dbutils import workspace_secret
from stepwell._worker import Failure


class Token(object):
    """The token for one workspace."""

    def __init__(
        self,
        url: str,
        variable: str,
        secret: str,
        environ: Mapping[str, str],
        read: Callable[[str], Optional[str]] = workspace_secret,
    ) -> None:
        """Take where it may be; nothing is read yet.

        Args:
            url: The address of the workspace, for errors.
            variable: The environment variable that goes first.
            secret: The name of the secret.
            environ: The environment.
            read: Reads a secret; `None` if there is none.
        """
        self._url = url
        self._variable = variable
        self._secret = secret
        self._environ = environ
        self._read = read
        self._lent: Optional[str] = None

    def text(self) -> str:
        """The token itself.

        Raises:
            Failure: There is none, or the server does not give it.
        """
        given = self._environ.get(self._variable, "").strip()
        if given:
            return given
        if not self._lent:
            self._lent = self._borrowed()
        if self._lent:
            return self._lent
        raise Failure(
            "environment",
            f"there is no token for {self._url}: the environment variable {self._variable} is not "
            f"set, and there is no secret `{self._secret}`",
            hint=f"keep it sealed with `stepwell secrets set {self._secret}` or by attaching the "
            "compute target with its access_token, or set the variable where the server is started",
        )

    def is_renewed(self) -> bool:
        """Whether another one was sealed since this was read, which is used from here on."""
        if not self._lent:
            return False
        before, self._lent = self._lent, self._borrowed()
        return bool(self._lent) and self._lent != before

    @property
    def place(self) -> str:
        """Where it comes from, for people."""
        return f"in the secret `{self._secret}`" if self._lent else f"in {self._variable}"

    @property
    def how_to_renew(self) -> str:
        """What to do when it is refused."""
        if self._lent:
            return f"make one in the workspace and keep it: `stepwell secrets set {self._secret}`"
        return (
            "make a token in the workspace, set the variable where the server is started, and "
            "start the server again"
        )

    def _borrowed(self) -> Optional[str]:
        try:
            return (self._read(self._secret) or "").strip()
        except errors.StepwellError as error:
            raise Failure(
                "environment",
                f"the secret `{self._secret}` with the token for {self._url} could not be had: "
                f"{error.message}",
                hint=error.hint,
            ) from None
