//! What `stepwell compute add` is given, and the settings of a compute target that it makes of it.

use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
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
pub(super) struct AddArgs {
    /// The compute target, as programs name it
    pub(super) name: String,
    /// What it is
    pub(super) kind: Kind,
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
    /// Where the cluster's `slurmrestd` is, which is asked in place of Slurm's commands: `http://HEAD:6820`
    #[arg(long, value_name = "URL")]
    rest: Option<String>,
    /// Where the Ray cluster's dashboard is: `http://HEAD:8265`
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// The cores of a step on Ray that asks for none; 1 unless given
    #[arg(long, value_name = "COUNT")]
    cores: Option<u32>,
    /// What else each step takes of the resources of Ray's nodes: `--resource worker=1`
    #[arg(long = "resource", value_name = "NAME=COUNT", value_parser = resource)]
    resources: Vec<(String, u32)>,
    /// The file with the token for `--rest`, or of a Ray cluster that asks for one
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// Whether steps on this machine start in interpreters that are loaded already
    #[arg(long, value_enum, value_name = "WORD")]
    warm: Option<Switch>,
    /// A module that such interpreters load, beside those that are known to be safe
    #[arg(long = "warm-import", value_name = "MODULE")]
    warm_imports: Vec<String>,
    /// Keep the steps on this machine from everything but their own data: docs/isolation.md
    #[arg(long)]
    isolated: bool,
    /// What such steps may read besides, by its absolute path
    #[arg(long, value_name = "PATH", requires = "isolated")]
    readable: Vec<String>,
    /// What such steps may read and write besides
    #[arg(long, value_name = "PATH", requires = "isolated")]
    writable: Vec<String>,
    /// How many steps may be there at once: the cores of this machine, 1000 on Slurm, 200 on Ray
    #[arg(long, value_name = "COUNT")]
    pub(super) steps: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// An amount of a resource, by name.
fn resource(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once('=');
    let parts = parts.and_then(|(name, count)| Some((name, count.parse().ok()?)));
    let (name, count) = parts.ok_or("write it as NAME=COUNT, with a whole number")?;
    Ok((name.to_owned(), count))
}

/// The settings as the server takes them.
pub(super) fn settings(args: &AddArgs) -> Result<Value, Failure> {
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
        "isolation" => "isolated".to_owned(),
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
pub(super) const fn word(kind: Kind) -> &'static str {
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
        ("rest", &args.rest),
        ("token_file", token_file(args, args.kind == Kind::Slurm)),
    ]);
    if !args.options.is_empty() {
        settings.insert("options".to_owned(), args.options.clone().into());
    }
    settings
}

/// Those of a Ray cluster.
fn settings_of_ray(args: &AddArgs) -> Map<String, Value> {
    let mut settings = named([
        ("address", &args.address),
        ("token_file", token_file(args, args.kind != Kind::Slurm)),
    ]);
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

/// The one option that both kinds of clusters have.
const fn token_file(args: &AddArgs, is_own: bool) -> &Option<String> {
    match is_own {
        true => &args.token_file,
        false => &None,
    }
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
    if args.isolated {
        let paths = [("readable", &args.readable), ("writable", &args.writable)];
        let given = paths.into_iter().filter(|(_, paths)| !paths.is_empty());
        let isolation: Map<String, Value> = given
            .map(|(name, paths)| (name.to_owned(), paths.clone().into()))
            .collect();
        settings.insert("isolation".to_owned(), isolation.into());
    }
    settings
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AddArgs,
    }

    fn of(words: &str) -> Result<Value, String> {
        let words = ["add", "name"].into_iter().chain(words.split(' '));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        settings(&line.args).map_err(|failure| failure.message)
    }

    #[test]
    fn the_settings_are_those_that_were_given() {
        assert_eq!(of("local"), Ok(Value::Null));
        assert_eq!(of("local --isolated"), Ok(json!({"isolation": {}})));
        let isolation = json!({"readable": ["/a", "/b"], "writable": ["/c"]});
        assert_eq!(
            of("local --isolated --readable /a --readable /b --writable /c"),
            Ok(json!({"isolation": isolation}))
        );
        let ray = json!({"address": "http://head:8265", "resources": {"gpu": 1}});
        assert_eq!(
            of("ray --address http://head:8265 --resource gpu=1"),
            Ok(ray)
        );
        let rest = json!({"rest": "http://head:6820", "token_file": "/t"});
        assert_eq!(
            of("slurm --rest http://head:6820 --token-file /t"),
            Ok(rest)
        );
    }

    #[test]
    fn an_option_of_another_kind_is_refused() {
        let message = of("slurm --isolated").expect_err("not of Slurm");
        assert_eq!(message, "`--isolated` says nothing of a Slurm cluster");
        let message = of("local --token-file /t").expect_err("not of this machine");
        assert_eq!(message, "`--token-file` says nothing of this machine");
        assert!(
            of("local --readable /a").is_err(),
            "only isolated steps have paths"
        );
    }
}
