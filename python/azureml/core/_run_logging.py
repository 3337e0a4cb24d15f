"""What a script logs: numbers, lists, rows, tables and images.

Each call checks and keeps the value and returns; sending is the business of
`stepwell._metrics`. A value that cannot be logged is refused at once, where the mistake is.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, Mapping, Optional, Sequence, Union

from azureml.core._run_core import RunCore
from azureml.exceptions import UserErrorException
from stepwell._plain import scalar, tree


class RunLogging(RunCore):
    """The part of a run that scripts log to."""

    def log(self, name: str, value: Any, description: str = "", step: Optional[int] = None) -> None:
        """Log one number or text under a name; a name may be logged to many times.

        Args:
            name: The metric's name.
            value: A number or a text; of a numpy array or tensor, the one value it holds. What is
                neither, such as `None` or a dictionary of parameters, is logged as its text.
            description: A description for people.
            step: The step of training it belongs to.

        Raises:
            UserErrorException: The value is several.
        """
        plain = scalar(value)
        if plain is None and (isinstance(value, Mapping) or not hasattr(value, "__iter__")):
            plain = str(value)
        if plain is None:
            raise UserErrorException(
                f"the value of metric `{name}` is {_a(type(value).__name__)} and not a "
                "number or a text; "
                "log several values with log_list, or one at a time"
            )
        self._log(name, "scalar", plain, description, step)

    def log_list(self, name: str, value: Sequence[Any], description: str = "") -> None:
        """Log a list of values under a name.

        Args:
            name: The metric's name.
            value: Numbers or texts; numpy arrays and tensors will do.
            description: A description for people.

        Raises:
            UserErrorException: The value is no list.
        """
        values = tree(value)
        if not isinstance(values, list):
            raise UserErrorException(
                f"the value of metric `{name}` is {_a(type(value).__name__)} and not a "
                "list; use log"
            )
        self._log(name, "list", values, description)

    def log_row(self, name: str, description: Optional[str] = None, **kwargs: Any) -> None:
        """Log a row, one column for each keyword; rows under one name make a table.

        Args:
            name: The metric's name.
            description: A description for people.
            kwargs: The columns of the row.

        Raises:
            UserErrorException: There is no column.
        """
        if not kwargs:
            raise UserErrorException(f"a row of metric `{name}` needs a column")
        self._log(name, "row", tree(kwargs), description or "")

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Log a table as a dictionary of columns.

        Args:
            name: The metric's name.
            value: Lists of values, or single values, by column.
            description: A description for people.
        """
        self._log(name, "table", self._dictionary(name, value), description)

    def log_confusion_matrix(
        self, name: str, value: Union[str, Mapping[str, Any]], description: str = ""
    ) -> None:
        """Log a confusion matrix, as a dictionary or its JSON text.

        Args:
            name: The metric's name.
            value: The dictionary, or its JSON text.
            description: A description for people.
        """
        self._log_json(name, value, description)

    def log_accuracy_table(
        self, name: str, value: Union[str, Mapping[str, Any]], description: str = ""
    ) -> None:
        """Log an accuracy table, as a dictionary or its JSON text.

        Args:
            name: The metric's name.
            value: The dictionary, or its JSON text.
            description: A description for people.
        """
        self._log_json(name, value, description)

    def log_residuals(
        self, name: str, value: Union[str, Mapping[str, Any]], description: str = ""
    ) -> None:
        """Log residuals, as a dictionary or its JSON text.

        Args:
            name: The metric's name.
            value: The dictionary, or its JSON text.
            description: A description for people.
        """
        self._log_json(name, value, description)

    def log_predictions(
        self, name: str, value: Union[str, Mapping[str, Any]], description: str = ""
    ) -> None:
        """Log predictions, as a dictionary or its JSON text.

        Args:
            name: The metric's name.
            value: The dictionary, or its JSON text.
            description: A description for people.
        """
        self._log_json(name, value, description)

    def log_image(
        self, name: str, path: Optional[str] = None, plot: Any = None, description: str = ""
    ) -> None:
        """Log an image: a file, or what a plot (`matplotlib.pyplot`, a figure) shows now.

        Args:
            name: The metric's name.
            path: An image file.
            plot: Anything with `savefig`.
            description: A description for people.

        Raises:
            UserErrorException: Neither or both of path and plot are given.
        """
        if (path is None) == (plot is None):
            raise UserErrorException(f"metric `{name}` needs exactly one of path and plot")
        stamp = int(time.time() * 1000)
        if path is not None:
            extension = os.path.splitext(path)[1] or ".png"
            with open(path, "rb") as image:
                file = self._store_image(name, stamp, extension, image)
        else:
            import io

            drawn = io.BytesIO()
            plot.savefig(drawn, format="png")
            drawn.seek(0)
            file = self._store_image(name, stamp, ".png", drawn)
        self._log(name, "image", {"path": file}, description)

    def flush(self, timeout_seconds: int = 300) -> None:
        """Send what this process has logged; afterwards everyone can read it.

        Args:
            timeout_seconds: Without effect; each request has a limit of its own.
        """
        from stepwell import _metrics

        _metrics.flush(self._client, self._run_id)

    def _log(
        self, name: str, kind: str, value: Any, description: str, step: Optional[int] = None
    ) -> None:
        self._metric_writer.add(
            str(name), kind, value, None if step is None else int(step), description
        )

    @property
    def _metric_writer(self) -> Any:
        found = self.__dict__.get("_writer")
        if found is None:
            from stepwell import _metrics

            found = self.__dict__["_writer"] = _metrics.writer(self._client, self._run_id)
        return found

    def _log_json(self, name: str, value: Any, description: str) -> None:
        if isinstance(value, str):
            import json

            try:
                value = json.loads(value)
            except ValueError as broken:
                raise UserErrorException(
                    f"the value of metric `{name}` is not valid JSON: {broken}"
                ) from None
        self._log(name, "json", self._dictionary(name, value), description)

    @staticmethod
    def _dictionary(name: str, value: Any) -> Dict[str, Any]:
        if not isinstance(value, Mapping):
            raise UserErrorException(
                f"the value of metric `{name}` is {_a(type(value).__name__)} and not a dictionary"
            )
        plain: Dict[str, Any] = tree(dict(value))
        return plain

    def _store_image(self, name: str, stamp: int, extension: str, image: Any) -> str:
        file = f"{name}_{stamp}{extension}"
        self._client.send_file(f"{self._path}/files/{file}", image, overwrite=True)
        return file


def _a(noun: str) -> str:
    return "{} {}".format("an" if noun[:1].lower() in "aeiou" else "a", noun)
