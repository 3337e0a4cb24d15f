//! `stepwell completions`: the script that lets a shell complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stepwell completions bash > ~/.local/share/bash-completion/completions/stepwell"
)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Does it.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = crate::args::Args::command();
    clap_complete::generate(args.shell, &mut command, "stepwell", &mut script);
    output::bytes(&script)?;
    Ok(Exit::Success)
}
