"""`FeaturizationConfig`: how columns are prepared."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from azureml.automl.core.shared.exceptions import ConfigException

PURPOSES = (
    "AllNan",
    "Categorical",
    "CategoricalHash",
    "DateTime",
    "Hashes",
    "Ignore",
    "Numeric",
    "Text",
)
TRANSFORMERS = ("Imputer", "TfIdf", "HashOneHotEncoder")
Params = List[Tuple[List[str], Dict[str, Any]]]


class FeaturizationConfig(object):
    """How columns are prepared. `docs/automl.md` says which of it has an effect."""

    def __init__(
        self,
        blocked_transformers: Optional[List[str]] = None,
        column_purposes: Optional[Mapping[str, str]] = None,
        transformer_params: Optional[Mapping[str, Params]] = None,
        drop_columns: Optional[List[str]] = None,
        dataset_language: Optional[str] = None,
        prediction_transform_type: Optional[str] = None,
    ) -> None:
        """The preparation of columns.

        Args:
            blocked_transformers: Recorded; FLAML prepares columns in its own way.
            column_purposes: What columns are, by name.
            transformer_params: Parameters of transformers with their columns.
            drop_columns: Columns that are left out.
            dataset_language: Recorded.
            prediction_transform_type: Recorded.

        Raises:
            ConfigException: A purpose or a transformer is none.
        """
        self._blocked_transformers = list(blocked_transformers or [])
        self._column_purposes: Dict[str, str] = {}
        self._transformer_params: Dict[str, Params] = {}
        self._drop_columns = list(drop_columns or [])
        self._dataset_language = dataset_language
        self._prediction_transform_type = prediction_transform_type
        for name, purpose in (column_purposes or {}).items():
            self.add_column_purpose(name, purpose)
        for transformer, params in (transformer_params or {}).items():
            for columns, values in params:
                self.add_transformer_params(transformer, columns, values)

    def add_column_purpose(self, column_name: str, feature_type: str) -> None:
        """Say what a column is."""
        if feature_type not in PURPOSES:
            raise ConfigException(
                "{} is no purpose of a column; it is one of {}".format(
                    feature_type, ", ".join(PURPOSES)
                )
            )
        self._column_purposes[column_name] = feature_type

    def remove_column_purpose(self, column_name: str) -> None:
        """Let a column be recognised."""
        self._column_purposes.pop(column_name, None)

    def add_blocked_transformers(self, transformers: Any) -> None:
        """Record transformers that are not wanted."""
        self._blocked_transformers += (
            [transformers] if isinstance(transformers, str) else list(transformers)
        )

    def add_drop_columns(self, drop_columns: Any) -> None:
        """Leave columns out."""
        self._drop_columns += (
            [drop_columns] if isinstance(drop_columns, str) else list(drop_columns)
        )

    def add_transformer_params(
        self, transformer: str, cols: Sequence[str], params: Mapping[str, Any]
    ) -> None:
        """Set parameters of a transformer for columns."""
        if transformer not in TRANSFORMERS:
            raise ConfigException(
                "{} is no transformer; it is one of {}".format(transformer, ", ".join(TRANSFORMERS))
            )
        if params.get("strategy") == "constant" and "fill_value" not in params:
            raise ConfigException("an Imputer with strategy constant needs a fill_value")
        self._transformer_params.setdefault(transformer, []).append((list(cols), dict(params)))

    def get_transformer_params(self, transformer: str, cols: Sequence[str]) -> Dict[str, Any]:
        """The parameters of a transformer for columns."""
        for columns, params in self._transformer_params.get(transformer, []):
            if columns == list(cols):
                return params
        return {}

    def remove_transformer_params(
        self, transformer: str, cols: Optional[Sequence[str]] = None
    ) -> None:
        """Forget parameters of a transformer, for some columns or all."""
        kept = [
            each
            for each in self._transformer_params.get(transformer, [])
            if cols is not None and each[0] != list(cols)
        ]
        self._transformer_params[transformer] = kept

    def add_prediction_transform_type(self, prediction_transform_type: str) -> None:
        """Record a type of predictions."""
        self._prediction_transform_type = prediction_transform_type

    def remove_prediction_transform_type(self) -> None:
        """Forget the type of predictions."""
        self._prediction_transform_type = None

    @property
    def dataset_language(self) -> Optional[str]:
        """The language of texts."""
        return self._dataset_language

    @property
    def prediction_transform_type(self) -> Optional[str]:
        """The type of predictions."""
        return self._prediction_transform_type

    @property
    def blocked_transformers(self) -> List[str]:
        """Transformers that are not wanted."""
        return self._blocked_transformers

    @property
    def column_purposes(self) -> Dict[str, str]:
        """What columns are."""
        return self._column_purposes

    @property
    def drop_columns(self) -> List[str]:
        """Columns that are left out."""
        return self._drop_columns

    @property
    def transformer_params(self) -> Dict[str, Params]:
        """Parameters of transformers."""
        return self._transformer_params

    def _to_dict(self) -> Dict[str, Any]:
        return {
            "column_purposes": self._column_purposes,
            "drop_columns": self._drop_columns,
            "transformer_params": self._transformer_params,
        }
