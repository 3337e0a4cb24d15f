//! The engine: a pure scheduler, the driver that performs what it decides, and the kinds of steps.

pub mod core;
pub mod driver;
pub mod kinds;
