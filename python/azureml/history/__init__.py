"""A name that v1 programs may import; runs are in `azureml.core`."""
