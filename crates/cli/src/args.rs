//! The command line: the commands, and what all of them share.

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};

use crate::commands::{
    adopt, audit, backup, cancel, completions, compute, connect, copy, datasets, diff, doctor,
    download, drive_parallel, drive_transfer, drive_tuning, gc, graph, host_workers, init, logs,
    metrics, models, open, plan, published, rerun, restore, run, runs, schedule, secrets, serve,
    show, snapshot, stop, token, why,
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
    Init(init::Args),
    Run(run::Args),
    Runs(runs::Args),
    Show(show::Args),
    Logs(logs::Args),
    Metrics(metrics::Args),
    Open(open::Args),
    Download(download::Args),
    Why(why::Args),
    Plan(plan::Args),
    Graph(graph::Args),
    Diff(diff::Args),
    Rerun(rerun::Args),
    Cancel(cancel::Args),
    Models(models::Args),
    Datasets(datasets::Args),
    Copy(copy::Args),
    Published(published::Args),
    Gc(gc::Args),
    Schedule(schedule::Args),
    Compute(compute::Args),
    Doctor(doctor::Args),
    Serve(serve::Args),
    Stop(stop::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Adopt(adopt::Args),
    Token(token::Args),
    Secrets(secrets::Args),
    Audit(audit::Args),
    Connect(connect::Args),
    Snapshot(snapshot::Args),
    Completions(completions::Args),
    DriveParallel(drive_parallel::Args),
    HostWorkers(host_workers::Args),
    DriveTransfer(drive_transfer::Args),
    DriveTuning(drive_tuning::Args),
}

/// A number of things; a parser of arguments.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no whole number; write one such as 20"))
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
