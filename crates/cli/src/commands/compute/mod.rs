//! `stepwell compute`: the compute targets: what each is, and whether steps can run there.

mod probe;

use std::io;

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value};
use stepwell_api::{Compute, ComputeSettings};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::computes::{list, show};
use crate::render::style::Style;
use crate::session::{Context, Session};

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
  stepwell compute add ray-cluster ray --address http://head:8265
  stepwell compute add small local --steps 2
  stepwell compute add plain local --warm off
  stepwell compute add nets local --warm-import torch

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The server's own machine
    Local,
    /// A partition of a Slurm cluster
    Slurm,
    /// A Ray cluster
    Ray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// They do, where that is safe
    On,
    /// Each starts an interpreter of its own
    Off,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The compute target, as programs name it
    name: String,
    /// What it is
    kind: Kind,
    /// Slurm's partition; the cluster's default one unless given
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// The account that is charged
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The quality of service
    #[arg(long, value_name = "NAME")]
    qos: Option<String>,
    /// One more option of `sbatch`, as one word: `--option=--constraint=a100`
    #[arg(
        long = "option",
        value_name = "OPTION",
        require_equals = true,
        allow_hyphen_values = true
    )]
    options: Vec<String>,
    /// How `srun` tells MPI processes of each other: `pmi2` unless given, `pmix` for Open MPI
    #[arg(long, value_name = "KIND")]
    mpi: Option<String>,
    /// The login node where Slurm's commands run; this machine unless given
    #[arg(long, value_name = "HOST")]
    ssh: Option<String>,
    /// The path of slurm.conf there, where it is not the usual one
    #[arg(long, value_name = "FILE")]
    conf: Option<String>,
    /// Where the Ray cluster's dashboard is: `http://HEAD:8265`
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// The cores of a step on Ray that asks for none; 1 unless given
    #[arg(long, value_name = "COUNT")]
    cores: Option<u32>,
    /// What else each step takes of the resources of Ray's nodes: `--resource worker=1`
    #[arg(long = "resource", value_name = "NAME=COUNT", value_parser = resource)]
    resources: Vec<(String, u32)>,
    /// The file with the token of a Ray cluster that asks for one
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// Whether steps on this machine start in interpreters that are loaded already
    #[arg(long, value_enum, value_name = "WORD")]
    warm: Option<Switch>,
    /// A module that such interpreters load, beside those that are known to be safe
    #[arg(long = "warm-import", value_name = "MODULE")]
    warm_imports: Vec<String>,
    /// How many steps may be there at once: the cores of this machine, 1000 on Slurm, 200 on Ray
    #[arg(long, value_name = "COUNT")]
    steps: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
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

/// An amount of a resource, by name.
fn resource(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once('=');
    let parts = parts.and_then(|(name, count)| Some((name, count.parse().ok()?)));
    let (name, count) = parts.ok_or("write it as NAME=COUNT, with a whole number")?;
    Ok((name.to_owned(), count))
}

/// The settings as the server takes them.
fn settings(args: &AddArgs) -> Result<Value, Failure> {
    let all = [
        (Kind::Local, settings_of_here(args)),
        (Kind::Slurm, settings_of_slurm(args)),
        (Kind::Ray, settings_of_ray(args)),
    ];
    let (mut own, mut wrong) = (Map::new(), None);
    for (kind, settings) in all {
        match (kind == args.kind, settings.keys().next()) {
            (true, _) => own = settings,
            (false, Some(name)) => wrong = Some((name.clone(), kind)),
            (false, None) => {}
        }
    }
    let Some((name, kind)) = wrong else {
        return Ok(match own.is_empty() {
            true => Value::Null,
            false => Value::Object(own),
        });
    };
    let option = match name.as_str() {
        "options" => "option".to_owned(),
        "resources" => "resource".to_owned(),
        "warm_imports" => "warm-import".to_owned(),
        name => name.replace('_', "-"),
    };
    let place = match args.kind {
        Kind::Local => "this machine",
        Kind::Slurm => "a Slurm cluster",
        Kind::Ray => "a Ray cluster",
    };
    let message = format!("`--{option}` says nothing of {place}");
    let hint = format!("it is for a target of kind `{}`", word(kind));
    Err(Failure::new(Exit::Usage, message, hint))
}

/// The word for a kind, as the server knows it.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Local => "local",
        Kind::Slurm => "slurm",
        Kind::Ray => "ray",
    }
}

/// Those of a partition.
fn settings_of_slurm(args: &AddArgs) -> Map<String, Value> {
    let mut settings = named([
        ("partition", &args.partition),
        ("account", &args.account),
        ("qos", &args.qos),
        ("mpi", &args.mpi),
        ("ssh", &args.ssh),
        ("conf", &args.conf),
    ]);
    if !args.options.is_empty() {
        settings.insert("options".to_owned(), args.options.clone().into());
    }
    settings
}

/// Those of a Ray cluster.
fn settings_of_ray(args: &AddArgs) -> Map<String, Value> {
    let mut settings = named([("address", &args.address), ("token_file", &args.token_file)]);
    if let Some(cores) = args.cores {
        settings.insert("cores".to_owned(), cores.into());
    }
    if !args.resources.is_empty() {
        let amounts = args.resources.iter();
        let amounts = amounts.map(|(name, count)| (name.clone(), Value::from(*count)));
        settings.insert("resources".to_owned(), Value::Object(amounts.collect()));
    }
    settings
}

/// Those that are texts, and were given.
fn named<const N: usize>(all: [(&str, &Option<String>); N]) -> Map<String, Value> {
    all.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into())))
        .collect()
}

/// Those of a target on this machine.
fn settings_of_here(args: &AddArgs) -> Map<String, Value> {
    let mut settings = Map::new();
    if let Some(switch) = args.warm {
        let word = match switch {
            Switch::On => "on",
            Switch::Off => "off",
        };
        settings.insert("warm".to_owned(), word.into());
    }
    if !args.warm_imports.is_empty() {
        settings.insert("warm_imports".to_owned(), args.warm_imports.clone().into());
    }
    settings
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
