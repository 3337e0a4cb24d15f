"""What v1's internal clients send and receive: bags of attributes, by their names.

A module of this package has one of these classes each, as v1 laid them out.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Tuple


class Model(object):
    """Attributes by keyword; those that were not given are `None`."""

    _FIELDS: ClassVar[Tuple[str, ...]] = ("id",)

    def __init__(self, *values: Any, **fields: Any) -> None:
        for name, value in zip(self._FIELDS, values):
            setattr(self, name, value)
        for name, value in fields.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def as_dict(self) -> Dict[str, Any]:
        """The attributes that were given."""
        return {
            name: value.as_dict() if isinstance(value, Model) else value
            for name, value in vars(self).items()
        }

    serialize = as_dict

    def __eq__(self, other: object) -> bool:
        """Whether the other is of the same class and has the same attributes."""
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The class and the attributes."""
        return "{}({})".format(
            type(self).__name__, ", ".join("{}={!r}".format(*each) for each in vars(self).items())
        )


class RunTypeV2(Model):
    """The kind of a run: who conducts it, and words for what it is."""

    _FIELDS = ("orchestrator", "traits")


class BatchArtifactContentInformationDto(Model):
    """Files that were stored with a run, by their names."""

    _FIELDS = ("artifacts",)


class CreatedFromDto(Model):
    """The notebook a run was started in."""

    _FIELDS = ("type", "location_type", "location")


class CreateRunDto(Model):
    """What a run is to be, or what is to change of it."""

    _FIELDS = ("run_id", "parent_run_id")


class RunDto(Model):
    """A run as the server knows it."""

    _FIELDS = ("run_id",)


class RunDetailsDto(Model):
    """A run with its log files and what was run."""

    _FIELDS = ("run_id",)


class ExperimentDto(Model):
    """An experiment as the server knows it."""

    _FIELDS = ("experiment_id", "name")


class DatasetIdentifier(Model):
    """A dataset, by the id it was saved or registered with."""

    _FIELDS = ("saved_id", "registered_id", "registered_version")


class DatasetLineage(Model):
    """A dataset that a run read, and how."""

    _FIELDS = ("identifier", "consumption_type", "input_details")


class OutputDatasetLineage(Model):
    """A dataset that a run wrote, and how."""

    _FIELDS = ("identifier", "output_type", "output_details")


class QueryParamsDto(Model):
    """Which items a list holds."""

    _FIELDS = ("filter", "continuation_token", "order_by", "top")


def __getattr__(name: str) -> Any:
    if name == "ErrorResponseException":  # it needs msrest, which few programs have loaded
        from azureml._restclient.models.error_response import ErrorResponseException

        return ErrorResponseException
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
