"""The key vault of the real server: programs and steps read what was kept, and nobody else."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import programs
import pytest

from azureml.core import Workspace
from azureml.core.keyvault import Keyvault
from azureml.exceptions import UserErrorException

HIDDEN = "s3cret-of-this-test"


@pytest.fixture
def vault(project: Path) -> Keyvault:
    """A vault in which only one test has put something."""
    vault = Workspace.from_config().get_default_keyvault()
    vault.delete_secrets([each["name"] for each in vault.list_secrets()])
    return vault


def test_secrets_are_kept_listed_read_and_deleted(vault: Keyvault) -> None:
    assert vault.get_secret("absent") is None
    vault.set_secret(name="Db-Password", value=HIDDEN)
    vault.set_secrets({"url": "https://user@host/?a=b", "text": "two\nlines \u00fc"})
    assert vault.get_secret("db-password") == HIDDEN, "a name is the same in any case"
    vault.set_secret("DB-PASSWORD", HIDDEN + "2")
    assert vault.get_secrets(["text", "Db-Password", "absent"]) == {
        "text": "two\nlines \u00fc",
        "Db-Password": HIDDEN + "2",
        "absent": None,
    }
    listed = vault.list_secrets()
    assert [each["name"] for each in listed] == ["Db-Password", "text", "url"]
    assert all(each["id"].endswith(each["name"]) for each in listed)
    assert HIDDEN not in str(listed) and HIDDEN not in repr(vault)
    vault.delete_secret("url")
    vault.delete_secrets(["text"])
    assert [each["name"] for each in vault.list_secrets()] == ["Db-Password"]


def test_a_secret_has_a_content_type(vault: Keyvault) -> None:
    vault.set_secret("key", "k", content_type="application/x-pem-file")
    vault.set_secret("plain", "p")
    assert vault.get_secret_content_type("KEY") == "application/x-pem-file"
    assert vault.get_secret_content_type("plain") == "Not provided"
    assert vault.get_secret_content_type("absent") is None


def test_what_cannot_be_a_secret_is_refused_and_not_repeated(vault: Keyvault) -> None:
    for name in ("under_score", "a/b", "x" * 128, "", None):
        with pytest.raises(UserErrorException) as refused:
            vault.set_secret(name, HIDDEN)  # type: ignore[arg-type]
        assert HIDDEN not in str(refused.value)
    for value in (None, 7, [HIDDEN], {"a": HIDDEN}):
        with pytest.raises(UserErrorException, match="no text") as refused:
            vault.set_secret("name", value)  # type: ignore[arg-type]
        assert HIDDEN not in str(refused.value)
    with pytest.raises(UserErrorException, match="no text"):
        vault.set_secrets({"good": "x", "bad": None})  # type: ignore[dict-item]
    assert vault.list_secrets() == [], "nothing of a batch with a mistake is kept"
    with pytest.raises(UserErrorException, match="there is no secret `absent`"):
        vault.delete_secret("absent")


def test_a_step_reads_the_secrets_of_its_workspace_and_its_run_shows_none(
    project: Path, vault: Keyvault
) -> None:
    vault.set_secret("db-password", HIDDEN)
    run = programs.submit(
        project,
        """
        import hashlib
        text = run.get_secret(name="db-password")
        both = run.get_secrets(["db-password", "absent"])
        assert both == {"db-password": text, "absent": None}
        same = run.experiment.workspace.get_default_keyvault().get_secret("db-password")
        assert same == text
        try:
            run.experiment.workspace.get_default_keyvault().set_secret("mine", "x")
        except Exception as refused:
            print("refused:", refused)
        run.log("digest", hashlib.sha256(text.encode()).hexdigest())
        """,
    )
    run.wait_for_completion()
    import hashlib

    assert run.get_metrics()["digest"] == hashlib.sha256(HIDDEN.encode()).hexdigest()
    log = run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"]
    assert "refused: " in log and "contributor" in log and HIDDEN not in log
    assert vault.get_secret("mine") is None


def test_no_file_of_the_data_folder_holds_a_secret(
    served: Path, project: Path, vault: Keyvault
) -> None:
    vault.set_secret("db-password", HIDDEN)
    assert vault.get_secret("db-password") == HIDDEN
    looked = 0
    for path in (served / ".stepwell").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert HIDDEN.encode() not in path.read_bytes(), path
            looked += 1
    assert looked > 3


def test_a_reader_is_given_names_and_no_text(vault: Keyvault) -> None:
    vault.set_secret("db-password", HIDDEN)
    client = vault.workspace._client
    made = client.post("/tokens", {"name": "reader-of-secrets", "role": "reader"})

    def ask(path: str) -> "tuple[int, str]":
        headers = {"Authorization": "Bearer " + made["token"]}
        request = urllib.request.Request(client.url + "/api/v1" + path, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    status, text = ask("/secrets")
    assert status == 200 and json.loads(text)["secrets"][0]["name"] == "db-password"
    assert HIDDEN not in text
    status, text = ask("/secrets/db-password")
    assert status == 403 and HIDDEN not in text
    client.delete("/tokens/reader-of-secrets")
