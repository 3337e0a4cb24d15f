"""Dashboards of fairness; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = (
    "dashboards of fairness are not kept by Stepwell; compute the metrics with fairlearn and "
    "keep them with run.log_table"
)

_NAMES = (
    "download_dashboard_by_upload_id",
    "list_dashboards",
    "upload_dashboard_dictionary",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
