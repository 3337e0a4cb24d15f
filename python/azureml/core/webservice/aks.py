"""Web services in Kubernetes clusters, where v1 had them."""

from azureml._unsupported import Getattr, unsupported_names
from azureml.core.webservice import AksWebservice

__all__ = ["AksWebservice"]

__getattr__: Getattr = unsupported_names(
    globals(),
    dict.fromkeys(
        (
            "AksServiceDeploymentConfiguration",
            "AutoScaler",
            "ContainerResourceRequirements",
            "DataCollection",
            "LivenessProbeRequirements",
        ),
        AksWebservice.sentence,
    ),
)
