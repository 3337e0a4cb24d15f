//! Where steps run: executors and Python environments.
