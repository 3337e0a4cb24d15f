"""What exceptions carry, and how they print."""

from __future__ import annotations

import json

import pytest

from azureml import exceptions
from azureml.exceptions import (
    ActivityFailedException,
    AuthenticationException,
    AzureMLAggregatedException,
    AzureMLException,
    RunEnvironmentException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)


def test_an_exception_prints_its_kind_its_sentence_its_cause_and_all_of_it_as_json() -> None:
    error = UserErrorException("the name is taken", inner_exception=ValueError("twice"))
    head, _, body = str(error).partition("\n{")
    assert head == (
        "UserErrorException:\n\tMessage: the name is taken\n\tInnerException twice\n"
        "\tErrorResponse "
    )
    assert json.loads("{" + body) == {
        "error": {"code": "UserError", "message": "the name is taken"}
    }
    assert (error.message, str(error.inner_exception)) == ("the name is taken", "twice")


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_exception_is_caught_as_the_root(name: str) -> None:
    assert issubclass(getattr(exceptions, name), AzureMLException)


def test_exceptions_carry_what_programs_ask_them_for() -> None:
    details = {"error": {"code": "UserError"}}
    assert json.loads(ActivityFailedException(details).message.partition("\n")[2]) == details
    assert ActivityFailedException("{}").error_details == "{}"
    assert WorkspaceException("two", found_multiple=True).found_multiple
    assert WebserviceException("none", 404).status_code == 404
    assert "offline" in RunEnvironmentException().message
    both = AzureMLAggregatedException([AuthenticationException("no"), ValueError("bad")])
    assert both.message == "no\nbad"
