"""Open data sets: those that an installed package ships, and the names of the others.

`Diabetes` is the one of scikit-learn. The others would be downloads of up to many gigabytes from
the original's storage.
"""

from __future__ import annotations

from typing import Any

from azureml._unsupported import unsupported_names
from azureml.opendatasets._diabetes import Diabetes

_SENTENCE = (
    "{} is a download from Azure's storage, which Stepwell does not make; fetch its files where "
    "there is a network and read them with Dataset.Tabular or Dataset.File"
)
_OTHERS = (
    "BostonSafety",
    "COVID19OpenResearch",
    "ChicagoSafety",
    "EcdcCOVIDCases",
    "MNIST",
    "NewYorkCitySafety",
    "NoaaGfsWeather",
    "NoaaIsdWeather",
    "NycTaxiLimousine",
    "NycTlcFhv",
    "NycTlcGreen",
    "NycTlcYellow",
    "OjSalesSimulated",
    "PublicHolidays",
    "PublicHolidaysOffline",
    "SanFranciscoSafety",
    "SeattleSafety",
    "UsLaborCPI",
    "UsLaborEHENational",
    "UsLaborEHEState",
    "UsLaborLAUS",
    "UsLaborLFS",
    "UsLaborPPICommodity",
    "UsLaborPPIIndustry",
    "UsPopulationCounty",
    "UsPopulationZip",
)

__all__ = ["Diabetes", *_OTHERS]

_refused: Any = unsupported_names(globals(), {name: _SENTENCE.format(name) for name in _OTHERS})


def __getattr__(name: str) -> Any:
    return _refused(name)
