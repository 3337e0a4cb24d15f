//! The command line: the commands, and what all of them share.

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

use crate::commands::{
    audit, cancel, completions, connect, doctor, drive_parallel, gc, graph, logs, models, plan,
    published, run, runs, schedule, serve, show, snapshot, stop, token, why,
};
use crate::exit;

/// Run machine-learning pipelines, and see what became of them.
#[derive(Debug, Parser)]
#[command(name = "stepwell", version, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Args {
    /// The project's folder; the working directory unless given
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) folder: Option<Utf8PathBuf>,

    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order a newcomer meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Args),
    Runs(runs::Args),
    Show(show::Args),
    Logs(logs::Args),
    Why(why::Args),
    Plan(plan::Args),
    Graph(graph::Args),
    Models(models::Args),
    Cancel(cancel::Args),
    Published(published::Args),
    Gc(gc::Args),
    Schedule(schedule::Args),
    Doctor(doctor::Args),
    Serve(serve::Args),
    Stop(stop::Args),
    Token(token::Args),
    Audit(audit::Args),
    Connect(connect::Args),
    Snapshot(snapshot::Args),
    Completions(completions::Args),
    DriveParallel(drive_parallel::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_follows_the_program_belongs_to_it() {
        let line = [
            "stepwell", "run", "--plain", "train.py", "--folder", "x", "--help", "-p",
        ];
        let args = Args::try_parse_from(line).expect("a command line");
        assert_eq!(args.folder, None, "it is the program's option");
        let Command::Run(run) = args.command else {
            panic!("another command");
        };
        assert_eq!(run.program, ["train.py", "--folder", "x", "--help", "-p"]);
    }

    #[test]
    fn a_program_needs_no_arguments_but_a_name() {
        assert!(Args::try_parse_from(["stepwell", "run", "train.py"]).is_ok());
        assert!(Args::try_parse_from(["stepwell", "run"]).is_err());
    }

    #[test]
    fn every_command_says_what_it_does_and_gives_an_example() {
        for command in Args::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "`{name}` has no description");
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Example"), "`{name}` has no example");
        }
    }
}
