"""The client of v1's pipeline service; see `models`."""
