//! Whole scripts over real files. Expected outputs were worked out by hand or with awk and sort over
//! the same file, never with the code under test.

mod catalog;
mod command;
mod faults;
mod formats;
mod queries;
mod rig;
mod samples;
