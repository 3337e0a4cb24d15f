"""Labelled datasets; importing it has no effect."""
