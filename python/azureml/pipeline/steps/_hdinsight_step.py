"""`_HDInsightStep`: the name is there, the work is not yet."""

from __future__ import annotations

from azureml._unsupported import Unsupported


class _HDInsightStep(Unsupported):
    """A step that runs on HDInsight; not there yet."""

    sentence = "_HDInsightStep is not there yet; run the code in a PythonScriptStep"
