"""What a dataset is: places, how their files are read, and what is done to what was read.

A definition is plain data that goes to the server and back unchanged. It is never changed:
each method of a dataset that seems to change it makes a new one with one more step.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

Place = Dict[str, str]
"""Where data is; one of `{"datastore", "path"}`, `{"local"}`, `{"url"}`, `{"input"}` and
`{"database", "query", "timeout_s"}`. An input is what an earlier step of a pipeline wrote, found by
the step that reads it."""

Step = Dict[str, Any]
"""Something done to files or rows: `{"do": word, ...}`."""

FILES = "file"
TABLE = "tabular"


class Definition(NamedTuple):
    """The meaning of a dataset."""

    kind: str
    places: Tuple[Place, ...]
    reading: Optional[Dict[str, Any]] = None
    """How files become rows; `None` for a dataset of files."""
    steps: Tuple[Step, ...] = ()
    partition_format: Optional[str] = None
    is_file: bool = False
    """Whether a step that mounts a single file is given the file rather than its folder."""
    timestamps: Tuple[Optional[str], Optional[str]] = (None, None)
    """The columns of the time of a row, and of the time of its partition."""
    origin: Optional[str] = None
    """The id of the registered version it was derived from."""

    def then(self, word: str, **settings: Any) -> Definition:
        """The same with one more step."""
        return self._replace(steps=(*self.steps, {"do": word, **settings}))

    def to_json(self) -> Dict[str, Any]:
        """The form in which the server keeps it."""
        return {
            "places": list(self.places),
            "reading": self.reading,
            "steps": list(self.steps),
            "partition_format": self.partition_format,
            "is_file": self.is_file,
            "timestamps": list(self.timestamps),
            "origin": self.origin,
        }

    @staticmethod
    def from_json(kind: str, known: Dict[str, Any]) -> Definition:
        """The definition that the server kept."""
        fine, coarse = known.get("timestamps") or (None, None)
        return Definition(
            kind,
            tuple(known["places"]),
            known.get("reading"),
            tuple(known.get("steps") or ()),
            known.get("partition_format"),
            bool(known.get("is_file")),
            (fine, coarse),
            known.get("origin"),
        )


def of_output(input_name: str, transformations: List[Tuple[str, Dict[str, Any]]]) -> Definition:
    """The dataset that a step sees when it reads, as `input_name`, what an earlier step wrote.

    Args:
        input_name: The input of the reading step.
        transformations: What an output configuration collected, in order.
    """
    from azureml.data import _reading

    made = Definition(FILES, ({"input": input_name},))
    for word, settings in transformations:
        if word == "partition":
            made = made._replace(partition_format=settings["partition_format"])
        elif word in ("read_delimited_files", "read_parquet_files"):
            made = made._replace(
                kind=TABLE,
                reading=_reading.of_output(word, settings),
                partition_format=settings.get("partition_format") or made.partition_format,
            )
        elif word == "keep_columns":
            made = made.then("keep", columns=settings["columns"])
        elif word == "drop_columns":
            made = made.then("drop", columns=settings["columns"])
        else:
            made = made.then(
                "split",
                percentage=settings["percentage"],
                seed=settings["seed"],
                part=settings["part"],
            )
    return made
