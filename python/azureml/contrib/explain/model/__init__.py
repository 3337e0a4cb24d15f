"""Explanations of models under an older name."""
