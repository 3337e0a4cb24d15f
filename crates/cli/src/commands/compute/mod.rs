//! `stepwell compute`: the compute targets: what each is, and whether steps can run there.

mod probe;
mod settings;

use std::io;

use clap::Subcommand;
use stepwell_api::{Compute, ComputeSettings};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::computes::{list, show};
use crate::render::style::Style;
use crate::session::{Context, Session};

use settings::{AddArgs, Kind, settings, word};

/// List, add, look at, try and remove compute targets
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  stepwell compute
  stepwell compute add aml-cluster slurm --partition gpu
  stepwell compute test aml-cluster
  stepwell compute remove aml-cluster

A program that says `compute_target=\"aml-cluster\"` runs its steps there, unchanged."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List compute targets
    #[command(after_help = "Example:\n  stepwell compute list --json")]
    List(ListArgs),
    /// Show what a compute target is
    #[command(after_help = "Example:\n  stepwell compute show aml-cluster")]
    Show(NameArgs),
    /// Say what a compute target is; one of that name is changed
    #[command(after_help = "\
Examples:
  stepwell compute add aml-cluster slurm --partition gpu
  stepwell compute add cpu-cluster slurm --partition work --option=--time=60 --steps 200
  stepwell compute add far slurm --partition work --ssh me@login.example
  stepwell compute add rest slurm --rest http://head:6820 --token-file /home/me/token
  stepwell compute add ray-cluster ray --address http://head:8265
  stepwell compute add small local --steps 2
  stepwell compute add plain local --warm off
  stepwell compute add nets local --warm-import torch
  stepwell compute add guarded local --isolated --readable /data/public

The data folder and Stepwell itself must be on a file system that the nodes share.")]
    Add(Box<AddArgs>),
    /// Run a tiny step on a compute target, and say what works there
    #[command(after_help = "Example:\n  stepwell compute test aml-cluster")]
    Test(NameArgs),
    /// Forget a compute target; steps on it go on
    #[command(after_help = "Example:\n  stepwell compute remove aml-cluster")]
    Remove(RemoveArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct NameArgs {
    /// The compute target
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// The compute target
    name: String,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.session()?;
    match &args.action {
        None => list_all(&args.list, &session),
        Some(Action::List(args)) => list_all(args, &session),
        Some(Action::Show(args)) => print_one(&find(&session, &args.name)?, args.json),
        Some(Action::Add(args)) => add(args, &session),
        Some(Action::Test(args)) => probe::run(&find(&session, &args.name)?, args.json, &session),
        Some(Action::Remove(args)) => {
            let found = find(&session, &args.name)?;
            session.call(|client| client.remove_compute(&found.name))?;
            Ok(Exit::Success)
        }
    }
}

fn list_all(args: &ListArgs, session: &Session) -> Result<Exit, Failure> {
    let found = session.call(|client| client.computes())?;
    if args.json {
        output::json(&found)?;
    } else {
        output::print(&list(&found, Style::of(&io::stdout())))?;
        if found.is_empty() {
            output::note("no compute targets yet: steps of any target run on this machine");
        }
    }
    Ok(Exit::Success)
}

fn add(args: &AddArgs, session: &Session) -> Result<Exit, Failure> {
    // It is a part of an address.
    if args.name.contains(['/', '?', '#', '%']) {
        let message = format!("`{}` cannot name a compute target", args.name);
        return Err(Failure::new(
            Exit::Usage,
            message,
            "use letters, digits and dashes",
        ));
    }
    let settings = settings(args)?;
    let body = ComputeSettings {
        kind: word(args.kind).to_owned(),
        concurrent_steps_max: args.steps,
        settings,
    };
    let made = session.call(|client| client.put_compute(&args.name, &body))?;
    print_one(&made, args.json)?;
    if args.kind != Kind::Local && !args.json {
        output::note(&format!(
            "`stepwell compute test {}` runs a tiny step there and says what works",
            args.name
        ));
    }
    Ok(Exit::Success)
}

fn print_one(compute: &Compute, json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(compute)?;
    } else {
        output::print(&show(compute, Style::of(&io::stdout())))?;
    }
    Ok(Exit::Success)
}

fn find(session: &Session, name: &str) -> Result<Compute, Failure> {
    let mut all = session.call(|client| client.computes())?;
    match all.iter().position(|compute| compute.name == name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => Err(Failure::new(
            Exit::NotFound,
            format!("there is no compute target `{name}`"),
            "`stepwell compute` lists them, and `stepwell compute add` makes one",
        )),
    }
}
