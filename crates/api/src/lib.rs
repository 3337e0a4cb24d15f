//! REST wire types and error codes.
