//! The scheduler: a pure core and the driver that performs its effects.
