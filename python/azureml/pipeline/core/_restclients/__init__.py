"""As much of v1's internal clients of pipelines as programs use: the exception that they catch."""
