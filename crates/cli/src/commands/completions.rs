//! `stepwell completions`: the script that lets a shell complete the command line.

use clap_complete::env::Shells;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{complete, output, service};

/// Print the script that lets a shell complete commands, ids of runs and names
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell completions bash > ~/.local/share/bash-completion/completions/stepwell
  stepwell completions zsh > ~/.zfunc/_stepwell
  stepwell completions fish > ~/.config/fish/completions/stepwell.fish

Ids and names come from the folder's server if it runs; none is started for a completion.")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

/// Does it.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let shells = Shells::builtins();
    let shell = shells
        .completer(&args.shell)
        .expect("the parser takes known shells only");
    let program = service::program()?;
    let mut script = Vec::new();
    shell.write_registration(
        complete::VARIABLE,
        "stepwell",
        "stepwell",
        program.as_str(),
        &mut script,
    )?;
    output::bytes(&script)?;
    Ok(Exit::Success)
}
