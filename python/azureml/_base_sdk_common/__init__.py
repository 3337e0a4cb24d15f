"""What v1 kept in its base package and libraries outside of it use."""

import uuid as _uuid

from azureml.core import VERSION as __version__

_ClientSessionId = "l_" + str(_uuid.uuid4())

__all__ = ["__version__"]
