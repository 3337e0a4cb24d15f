//! What a shell offers for a half-typed command line: ids of runs, names of steps, statuses,
//! experiments, models, datasets.
//!
//! The shell runs this program at each press of the key. A server is asked if one answers; none is
//! started, nothing is created, and nothing is ever said: no answer is an empty list.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use stepwell_api::Run;

use crate::client::{Client, RunFilter};
use crate::discover::Place;
use crate::embedded;
use crate::render::status::{title, word};
use crate::select::{short, step};
use crate::session::Context;

/// The environment variable by which the shell's script asks.
pub(crate) const VARIABLE: &str = "STEPWELL_COMPLETE";

/// How many runs are offered.
const RUNS_MAX: usize = 20;

/// How many names are offered.
const NAMES_MAX: usize = 200;

/// Answers the shell and ends, if it is the shell that asks.
pub(crate) fn answer() {
    CompleteEnv::with_factory(crate::args::Args::command)
        .var(VARIABLE)
        .complete();
}

/// Runs by the ids that tables show, newest first.
pub(crate) fn runs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let mut offered =
            vec![CompletionCandidate::new("last").help(Some("the newest run".into()))];
        let newest = newest_runs().into_iter().enumerate().map(|(place, run)| {
            let help = format!("{} ({})", title(&run), word(&run));
            CompletionCandidate::new(short(run.id))
                .help(Some(help.into()))
                .display_order(Some(place + 1))
        });
        offered.extend(newest);
        offered
    })
}

/// The steps of the run that stands before.
pub(crate) fn steps() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let steps = steps_of_run().unwrap_or_default();
        let named = |each: &&Run| step(&steps, &each.display_name).is_ok();
        let names = steps.iter().filter(named).take(NAMES_MAX);
        let names = names.map(|step| {
            CompletionCandidate::new(step.display_name.clone()).help(Some(word(step).into()))
        });
        names.collect()
    })
}

/// Experiments of the newest runs.
pub(crate) fn experiments() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let runs = newest_runs().into_iter();
        distinct(runs.map(|run| run.experiment))
    })
}

/// Registered models.
pub(crate) fn models() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let latest = [("latest", "true".to_owned())];
        let found = client().map(|client| client.models(&latest).take(NAMES_MAX).flatten());
        distinct(found.into_iter().flatten().map(|model| model.name))
    })
}

/// Registered datasets.
pub(crate) fn datasets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client().map(|client| client.datasets().take(NAMES_MAX).flatten());
        distinct(
            found
                .into_iter()
                .flatten()
                .filter_map(|dataset| dataset.name),
        )
    })
}

/// Secrets of the workspace.
pub(crate) fn secrets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client().and_then(|client| client.secrets().ok());
        distinct(found.into_iter().flatten().map(|secret| secret.name))
    })
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    let names: BTreeSet<String> = names.collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn newest_runs() -> Vec<Run> {
    let filter = RunFilter {
        page: Some(RUNS_MAX),
        ..RunFilter::default()
    };
    let found = client().map(|client| client.runs(&filter).take(RUNS_MAX).flatten());
    found.into_iter().flatten().collect()
}

fn steps_of_run() -> Option<Vec<Run>> {
    let client = client()?;
    let mut words = words().into_iter().skip(1);
    let _subcommand = words.find(|word| !word.starts_with('-'))?;
    let wanted = words.find(|word| !word.starts_with('-'))?;
    let run = match (wanted.as_str(), wanted.parse()) {
        (_, Ok(id)) => id,
        ("last", _) => client.runs(&RunFilter::default()).next()?.ok()?.id,
        (digits, _) => match &client.runs_by_digits(digits, 2).ok()?[..] {
            [run] => run.id,
            _ => return None,
        },
    };
    client.children(run).ok()
}

/// The words of the command line that is completed.
fn words() -> Vec<String> {
    let mut words = std::env::args().skip_while(|word| word != "--");
    words.next();
    words.collect()
}

/// A client of the folder's server, if one answers.
fn client() -> Option<Client> {
    let words = words();
    let folder = words.windows(2).find(|pair| pair[0] == "--folder");
    let folder = folder.map(|pair| Utf8PathBuf::from(&pair[1]));
    match Context::new(folder).ok()?.place().ok()? {
        Place::Remote { url, token, socket } => Some(Client::by(&url, &token, socket.as_deref())),
        Place::Local(home) => {
            let found = embedded::find(&home.data_folder)?;
            Some(Client::by(&found.url, &found.token, Some(&found.socket)))
        }
    }
}
