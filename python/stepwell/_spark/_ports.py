"""How the URIs of a step's data reach its code: as widgets, or as pairs of arguments.

A notebook finds the URI of a port in the widget of the port's name. A script or JAR of a
`DatabricksStep` gets `-name URI` for each port, and `--AZUREML_… value` for what identifies the
run; the run's token is no argument but the environment variable STEPWELL_TOKEN. A
`SynapseSparkStep` gets its own arguments only.
"""

from __future__ import annotations

from typing import Dict, List, Mapping

from stepwell._spark._request import Request, uri

IDENTITY = (
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZUREML_ARM_PROJECT_NAME",
    "AZUREML_SERVICE_ENDPOINT",
    "AZUREML_WORKSPACE_ID",
    "AZUREML_EXPERIMENT_ID",
)
"""Variables of the step's environment that identify its run; none is a credential."""


def port_uris(request: Request) -> Dict[str, str]:
    """The URI of each port."""
    ports = {**request.inputs, **request.outputs}
    return {name: uri(port) for name, port in ports.items()}


def widgets(request: Request, uris: Dict[str, str], environ: Mapping[str, str]) -> Dict[str, str]:
    """The parameters of a notebook."""
    return {**identity(request, environ), **uris, **request.code.parameters}


def argument_pairs(request: Request, uris: Dict[str, str], environ: Mapping[str, str]) -> List[str]:
    """What a script or JAR is given after its own arguments."""
    if request.task.get("style") == "synapse":
        return []
    pairs = [word for name, uri in uris.items() for word in ("-" + name, uri)]
    for name, value in identity(request, environ).items():
        pairs += ["--" + name, value]
    return pairs


def identity(request: Request, environ: Mapping[str, str]) -> Dict[str, str]:
    """What identifies the run, by the names of the original service."""
    values = {"AZUREML_RUN_ID": request.run}
    for name in IDENTITY:
        if environ.get(name):
            values[name] = environ[name]
    return values
