//! The contract of executors, held by the fake and the local one, and what only real processes can
//! show: signals, limits, leftovers and crashes.

mod contract;
mod crash;
mod kept;
mod pool;
mod rig;
mod stop;
