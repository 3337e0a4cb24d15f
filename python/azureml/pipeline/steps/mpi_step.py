"""`MpiStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._later import Later


class MpiStep(Later):
    """A step of several processes; not there yet."""

    sentence = "MpiStep is not there yet; start mpirun with a CommandStep"
