//! The contract of executors, held by the fake, the local one and those of a Slurm and of a Ray
//! cluster, and what only real processes and clusters can show: signals, limits, leftovers, queues and crashes.

mod cluster;
mod contract;
mod crash;
mod footprint;
mod isolated;
mod kept;
mod native;
mod pool;
mod ray;
mod rig;
mod slurm;
mod stop;
