//! What lies in the data folder, and how large it is. It only reads, and takes its time.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::cas::{self, Cas};
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_data::{Result, disk, snapshot};
use stepwell_model::{Digest, RunId, Timestamp};
use stepwell_store::retention::{Facts, RunFacts};
use stepwell_store::runs::OutputPlace;

/// Where the SDK puts folders of links that represent datasets.
const VIEWS: &str = ".views";

/// The file of a step that its supervisor writes its end to.
const RECORD: &str = "claim.json";

/// How long after that a supervisor may have to do with what is left. One that was killed has nothing to do.
const TIDIED_WITHIN: Duration = Duration::from_secs(30);

/// What lies in a data folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The folder of each run.
    pub(super) runs: HashMap<RunId, RunFolder>,
    /// Outputs at places of their own, by run.
    pub(super) outputs: HashMap<RunId, Vec<Found>>,
    /// Every object, with its size and whether it is fresh.
    pub(super) objects: Vec<(Digest, u64, bool)>,
    /// The objects of each snapshot that is referred to.
    pub(super) manifests: HashMap<Digest, Vec<Digest>>,
    /// Built environments.
    pub(super) environments: Vec<Found>,
    /// Folders of links that represent datasets.
    pub(super) views: Vec<Found>,
    /// Room that is taken altogether.
    pub(super) bytes: u64,
}

/// Something on disk.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: Utf8PathBuf,
    pub(super) bytes: u64,
    /// When it was made or changed.
    pub(super) at: Timestamp,
    /// Whether that was a moment ago, so that somebody may be about to refer to it.
    pub(super) fresh: bool,
}

/// The folder of a run.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) found: Found,
    /// Working folders and outputs aside: of no use once the run is over.
    pub(super) leftovers: Vec<Found>,
}

impl Survey {
    /// Inspects the data folder.
    pub(super) fn take(folder: &DataFolder, cas: &Cas, facts: &Facts) -> Result<Self> {
        let mut survey = Self {
            objects: cas.list()?,
            environments: found_in(&folder.environments(), is_environment)?,
            bytes: disk::usage(folder.root())?.bytes,
            ..Self::default()
        };
        for name in names_in(&folder.root().join("runs"))? {
            let Ok(run) = name.parse() else { continue };
            survey
                .runs
                .extend(run_folder(&folder.run(run))?.map(|found| (run, found)));
        }
        for run in &facts.runs {
            for place in run.outputs.iter().filter(|place| is_own(run, place)) {
                let path = folder.datastore(&place.datastore).join(&place.path);
                if let Some(found) = inspect(&path)? {
                    survey.outputs.entry(run.id).or_default().push(found);
                }
            }
        }
        for datastore in LOCAL_DATASTORES {
            let views = folder.datastore(datastore).join(VIEWS);
            survey.views.extend(found_in(&views, |_| true)?);
        }
        survey.manifests = manifests(cas, facts)?;
        Ok(survey)
    }
}

/// Whether an output lies at a place that only this run writes to, in the data folder.
pub(super) fn is_own(run: &RunFacts, place: &OutputPlace) -> bool {
    let id = run.id.to_string();
    place.run == run.id
        && LOCAL_DATASTORES.contains(&place.datastore.as_str())
        && Utf8Path::new(&place.path)
            .components()
            .any(|part| part.as_str().contains(&id))
        && crate::names::is_relative(&place.path)
}

fn run_folder(path: &Utf8Path) -> Result<Option<RunFolder>> {
    let Some(found) = inspect(path)? else {
        return Ok(None);
    };
    let mut leftovers = Vec::new();
    for name in names_in(path)? {
        let place = match name.as_str() {
            "staged" | "work" => path.join(&name),
            _ if name.starts_with("attempt-") => path.join(&name).join("work"),
            _ if name.starts_with("data-") => path.join(&name),
            _ => continue,
        };
        if !may_be_wanted(&place) {
            leftovers.extend(inspect(&place)?);
        }
    }
    Ok(Some(RunFolder { found, leftovers }))
}

/// Whether a supervisor may still be at work on what its step has left, or keep it for the next one: the
/// end of the step is the last line of the record beside it.
fn may_be_wanted(left: &Utf8Path) -> bool {
    let record = fs_err::symlink_metadata(left.with_file_name(RECORD));
    let ended = record.and_then(|record| record.modified());
    ended.is_ok_and(|ended| ended.elapsed().is_ok_and(|age| age < TIDIED_WITHIN))
}

/// The objects of every snapshot that somebody may refer to.
fn manifests(cas: &Cas, facts: &Facts) -> Result<HashMap<Digest, Vec<Digest>>> {
    let runs = facts.runs.iter().filter_map(|run| run.snapshot.as_ref());
    let all = runs
        .chain(&facts.references.models)
        .chain(&facts.references.mentions);
    let digests: HashSet<Digest> = all.filter_map(|text| text.parse().ok()).collect();
    let mut manifests = HashMap::new();
    for digest in digests {
        let entries = match snapshot::load(cas, &digest) {
            Ok(manifest) => manifest.entries.iter().map(|entry| entry.digest).collect(),
            // An object that is no snapshot, or one that went before.
            Err(
                stepwell_data::Error::NotAManifest { .. }
                | stepwell_data::Error::Absent(_)
                | stepwell_data::Error::Damaged { .. },
            ) => Vec::new(),
            Err(error) => return Err(error),
        };
        manifests.insert(digest, entries);
    }
    Ok(manifests)
}

fn is_environment(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    path.is_dir() && name != "requests" && name != "locks"
}

fn found_in(folder: &Utf8Path, wanted: impl Fn(&Utf8Path) -> bool) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for name in names_in(folder)? {
        let path = folder.join(name);
        if wanted(&path) {
            found.extend(inspect(&path)?);
        }
    }
    Ok(found)
}

fn names_in(folder: &Utf8Path) -> Result<Vec<String>> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let name = |entry: std::io::Result<camino::Utf8DirEntry>| Ok(entry?.file_name().to_owned());
    entries.map(name).collect()
}

fn inspect(path: &Utf8Path) -> Result<Option<Found>> {
    let about = match fs_err::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        about => about?,
    };
    let modified = about.modified().unwrap_or(std::time::UNIX_EPOCH);
    let since = modified.duration_since(std::time::UNIX_EPOCH);
    let millis = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    // A time in the future counts as a moment ago.
    let fresh = modified.elapsed().is_ok_and(|age| age < cas::FRESH) || modified.elapsed().is_err();
    let bytes = match about.is_dir() {
        true => disk::usage(path)?.bytes,
        false => about.len(),
    };
    Ok(Some(Found {
        path: path.to_owned(),
        bytes,
        at: Timestamp::from_millis(millis),
        fresh,
    }))
}
