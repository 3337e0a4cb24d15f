"""`dbutils.secrets`: where a value comes from, and that it is known to what hides it."""

from __future__ import annotations

from typing import Optional

import pytest

from stepwell._spark._notebook._dbutils import SecretStore
from stepwell._spark._notebook._outputs import Secrets


def test_a_variable_comes_before_the_secret_of_the_workspace() -> None:
    asked = []

    def vault(key: str) -> Optional[str]:
        asked.append(key)
        return {"db-password": "from-the-vault", "url": "also-there"}.get(key)

    hidden = Secrets()
    store = SecretStore({"STEPWELL_SECRET_KV_URL": "from-a-variable"}, hidden, vault)
    assert store.get("kv", "url") == "from-a-variable" and asked == []
    assert store.get(scope="any", key="db-password") == "from-the-vault"
    assert store.getBytes("kv", "db-password") == b"from-the-vault"
    shown = hidden.redact("a from-the-vault b from-a-variable")
    assert "from-" not in shown
    with pytest.raises(KeyError, match="stepwell secrets set absent"):
        store.get("kv", "absent")
