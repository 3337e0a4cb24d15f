//! The `stepwell-supervise` program.
fn main() {}
