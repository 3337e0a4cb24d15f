"""The exceptions that the `azureml` names raise.

AzureMLException
├── UserErrorException            what the program asked for cannot be
│   └── AuthenticationException
├── ActivityFailedException       a run failed
├── ActivityCanceledException     a run was canceled
├── ExperimentExecutionException  waiting for a run was interrupted
├── ComputeTargetException        there is no such compute target, and the like
├── ModelNotFoundException        ├── ModelPathNotFoundException
├── ProjectSystemException        ├── RunConfigurationException
├── RunEnvironmentException       ├── SnapshotException
├── ServiceException              ├── TrainingException
├── WebserviceException           ├── WorkspaceException
├── DatasetTimestampMissingError  ├── DiscoveryUrlNotFoundException
├── ParallelRunException          └── WorkspacePrivateEndpointException
└── AzureMLAggregatedException    several at once
"""

from azureml._common.exceptions import AzureMLAggregatedException, AzureMLException
from azureml._restclient.exceptions import ServiceException
from azureml.exceptions._azureml_exception import (
    ActivityCanceledException as ActivityCanceledException,
)
from azureml.exceptions._azureml_exception import (
    ActivityFailedException,
    AuthenticationException,
    ComputeTargetException,
    DatasetTimestampMissingError,
    DiscoveryUrlNotFoundException,
    ExperimentExecutionException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    ParallelRunException,
    ProjectSystemException,
    RunConfigurationException,
    RunEnvironmentException,
    SnapshotException,
    TrainingException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
    WorkspacePrivateEndpointException,
)

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLException",
    "AzureMLAggregatedException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
]
