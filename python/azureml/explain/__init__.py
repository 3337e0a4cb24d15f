"""Explanations of models under their oldest name."""
