"""Web services in container instances, where v1 had them."""

from azureml._unsupported import Getattr, unsupported_names
from azureml.core.webservice import AciWebservice

__all__ = ["AciWebservice"]

__getattr__: Getattr = unsupported_names(
    globals(),
    dict.fromkeys(
        (
            "AciServiceDeploymentConfiguration",
            "ContainerResourceRequirements",
            "EncryptionProperties",
            "VnetConfiguration",
        ),
        AciWebservice.sentence,
    ),
)
