"""Modules that programs import names from."""
