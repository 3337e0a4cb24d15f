"""The open data sets that a package ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.opendatasets import MNIST, Diabetes


def test_diabetes_is_read_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    frame = Diabetes().to_pandas_dataframe()
    assert list(frame.columns) == [
        *("AGE", "SEX", "BMI", "BP"),
        *("S1", "S2", "S3", "S4", "S5", "S6", "Y"),
    ]
    assert frame.shape == (442, 11)
    # The first patient of the study.
    assert frame.iloc[0].tolist() == [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87, 151]
    read = Diabetes.get_tabular_dataset().to_pandas_dataframe()
    assert read.shape == frame.shape
    assert read["Y"].tolist() == frame["Y"].tolist()


def test_what_is_a_download_says_so() -> None:
    with pytest.raises(NotSupportedYet, match="MNIST is a download"):
        MNIST.get_file_dataset()
