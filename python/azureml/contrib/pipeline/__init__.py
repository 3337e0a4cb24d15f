"""Kinds of steps under older names."""
