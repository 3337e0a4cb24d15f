//! `stepwell-usql`: runs, checks and explains U-SQL scripts, by hand or as a pipeline's step.

use std::process::ExitCode;

mod command;
mod step;

fn main() -> ExitCode {
    command::main()
}
