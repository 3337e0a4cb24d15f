"""Names that v1 kept apart as experimental."""
