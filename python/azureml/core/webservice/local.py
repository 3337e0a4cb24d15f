"""Web services on this machine, where v1 had them."""

from azureml._unsupported import Getattr, unsupported_names
from azureml.core.webservice import LocalWebservice

__all__ = ["LocalWebservice"]

__getattr__: Getattr = unsupported_names(
    globals(), dict.fromkeys(("LocalWebserviceDeploymentConfiguration",), LocalWebservice.sentence)
)
