"""The base of all web services, where v1 had it."""

from azureml.core.webservice import Webservice

__all__ = ["Webservice"]
