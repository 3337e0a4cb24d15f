"""As much of v1's implementation of runs as libraries outside of it use."""
