"""The environment variables by which a script knows its run."""


class RunEnvVars(object):
    """Names of variables."""

    ID = "AZUREML_RUN_ID"
    TOKEN = "AZUREML_RUN_TOKEN"
    TOKEN_EXPIRY = "AZUREML_RUN_TOKEN_EXPIRY"
