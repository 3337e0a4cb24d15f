//! The metadata database.
