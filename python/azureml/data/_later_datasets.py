"""The one sentence that everything about datasets says until they are there."""

SENTENCE = (
    "datasets are not there yet; pass `datastore.path('folder').as_mount()` to a step, or write "
    "with OutputFileDatasetConfig and read with its `as_input`"
)
