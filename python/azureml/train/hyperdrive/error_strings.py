"""Texts of errors in the original; nothing here uses them."""


class HyperDriveErrorStrings(object):
    """Kept for programs that import the name; texts of messages are no part of the interface."""
