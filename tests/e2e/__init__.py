"""Tests of the product: the real binary, spoken to by its commands and by REST.

They prove wiring, crash safety and wording; what a lower ring can show is shown there. Each test
has a folder, and so a server, of its own. Nothing here uses the Python SDK.

Run them with `pytest tests/e2e` after `cargo build`; `STEPWELL_BIN` names another binary.
"""
