//! The engine: a pure scheduler and the driver that performs what it decides.

pub mod core;
pub mod driver;
