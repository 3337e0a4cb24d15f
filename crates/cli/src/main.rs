//! The `stepwell` command: reads the command line, does it, and says how it went.
//!
//! Standard output carries data, standard error everything else. Each command is a file in
//! [`commands`]; which server is meant is decided by [`discover`] alone.
//!
//! Invariant: the asynchronous runtime exists only in `serve` and
//! `copy`, so the other commands start in a
//! millisecond or two.

mod args;
mod capture;
mod client;
mod commands;
mod complete;
mod discover;
mod doctor;
mod embedded;
mod exit;
mod failure;
mod files;
mod interrupt;
mod lines;
mod log_text;
mod output;
mod progress;
mod python;
mod render;
mod select;
mod service;
mod session;
mod tuning;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Context;

fn main() -> ExitCode {
    complete::answer();
    let exit = perform(Args::parse()).unwrap_or_else(|failure| {
        // When standard error is gone as well there is nobody left to tell.
        let _ = std::io::stderr().write_all(render::safe::clean(&failure.report()).as_bytes());
        failure.exit
    });
    ExitCode::from(exit.code())
}

fn perform(args: Args) -> Result<Exit, Failure> {
    let context = Context::new(args.folder)?;
    match args.command {
        Command::Init(args) => commands::init::run(&args, &context),
        Command::Run(args) => commands::run::run(&args, &context),
        Command::Runs(args) => commands::runs::run(&args, &context),
        Command::Show(args) => commands::show::run(&args, &context),
        Command::Logs(args) => commands::logs::run(&args, &context),
        Command::Metrics(args) => commands::metrics::run(&args, &context),
        Command::Open(args) => commands::open::run(&args, &context),
        Command::Download(args) => commands::download::run(&args, &context),
        Command::Why(args) => commands::why::run(&args, &context),
        Command::Plan(args) => commands::plan::run(&args, &context),
        Command::Graph(args) => commands::graph::run(&args, &context),
        Command::Diff(args) => commands::diff::run(&args, &context),
        Command::Rerun(args) => commands::rerun::run(&args, &context),
        Command::Cancel(args) => commands::cancel::run(&args, &context),
        Command::Models(args) => commands::models::run(&args, &context),
        Command::Datasets(args) => commands::datasets::run(&args, &context),
        Command::Copy(args) => commands::copy::run(&args, &context),
        Command::Published(args) => commands::published::run(&args, &context),
        Command::Gc(args) => commands::gc::run(&args, &context),
        Command::Schedule(args) => commands::schedule::run(&args, &context),
        Command::Compute(args) => commands::compute::run(&args, &context),
        Command::Doctor(args) => commands::doctor::run(&args, &context),
        Command::Serve(args) => commands::serve::run(args, &context),
        Command::Adopt(args) => commands::adopt::run(&args, &context),
        Command::Backup(args) => commands::backup::run(&args, &context),
        Command::Restore(args) => commands::restore::run(&args, &context),
        Command::Stop(args) => commands::stop::run(&args, &context),
        Command::Token(args) => commands::token::run(&args, &context),
        Command::Secrets(args) => commands::secrets::run(&args, &context),
        Command::Audit(args) => commands::audit::run(&args, &context),
        Command::Connect(args) => commands::connect::run(&args, &context),
        Command::Snapshot(args) => commands::snapshot::run(&args, &context),
        Command::Completions(args) => commands::completions::run(&args),
        Command::DriveParallel(args) => commands::drive_parallel::run(&args),
        Command::HostWorkers(args) => commands::host_workers::run(&args),
        Command::DriveTransfer(args) => commands::drive_transfer::run(&args),
        Command::DriveTuning(args) => commands::drive_tuning::run(&args),
    }
}
