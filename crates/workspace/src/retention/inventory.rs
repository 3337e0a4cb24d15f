//! What lies in the data folder together with what the database says of it: a list of objects, each
//! with its claim to stay and what it needs.

use std::collections::{HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_engine::core::retention::{Claim, Thing};
use stepwell_model::{
    DataLocation, DatasetDefinition, Digest, InputSource, Place, RunId, Timestamp,
};
use stepwell_store::retention::{Facts, RunFacts, names_in};

use super::survey::{Found, Survey, is_own};

/// What sort of object takes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcKind {
    /// Files and logs of runs.
    Runs,
    /// Outputs of runs at paths of their own.
    Outputs,
    /// Content-addressed files.
    Objects,
    /// Built Python environments.
    Environments,
    /// Folders of links to the files of datasets.
    Views,
    /// What nobody refers to.
    Leftovers,
}

impl GcKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Runs,
        Self::Outputs,
        Self::Objects,
        Self::Environments,
        Self::Views,
        Self::Leftovers,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Outputs => "outputs",
            Self::Objects => "objects",
            Self::Environments => "environments",
            Self::Views => "views",
            Self::Leftovers => "leftovers",
        }
    }
}

/// One object, and how it is removed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: GcKind,
    pub(super) bytes: u64,
    pub(super) what: What,
}

/// How an object is removed.
#[derive(Debug)]
pub(super) enum What {
    /// A run, with its folder if it has one.
    Run(RunId),
    /// A file or folder.
    Path(Utf8PathBuf),
    /// An object.
    Object(Digest),
}

/// Everything that could go.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) entries: Vec<Entry>,
    /// The same in the same order, as the decision takes them.
    pub(super) things: Vec<Thing>,
    /// Room that is taken by what is not listed.
    pub(super) unmanaged: u64,
}

impl Inventory {
    /// Joins what was seen with what is known. With `reusable` also steps that may be reused go.
    pub(super) fn of(survey: &Survey, facts: &Facts, reusable: bool) -> Self {
        let mut inventory = Self::default();
        let known = Known::of(facts);
        let objects = inventory.add_objects(survey, &known);
        inventory.add_runs(survey, facts, &known, &objects, reusable);
        inventory.add_rest(survey, facts, &known);
        let listed: u64 = inventory.entries.iter().map(|entry| entry.bytes).sum();
        inventory.unmanaged = survey.bytes.saturating_sub(listed);
        inventory
    }

    fn add(&mut self, kind: GcKind, bytes: u64, claim: Claim, what: What) -> usize {
        let needs = Vec::new();
        self.things.push(Thing {
            bytes,
            claim,
            needs,
        });
        self.entries.push(Entry { kind, bytes, what });
        self.entries.len() - 1
    }

    fn add_found(&mut self, kind: GcKind, found: &Found, claim: Claim) -> usize {
        self.add(kind, found.bytes, claim, What::Path(found.path.clone()))
    }

    /// Objects: nobody wants one for its own sake, but what is fresh may be wanted in a moment.
    fn add_objects(&mut self, survey: &Survey, known: &Known) -> HashMap<Digest, usize> {
        let mut places = HashMap::with_capacity(survey.objects.len());
        for (digest, bytes, fresh) in &survey.objects {
            let claim = match *fresh || known.digests.contains(digest) {
                true => Claim::Held,
                false => Claim::None,
            };
            let place = self.add(GcKind::Objects, *bytes, claim, What::Object(*digest));
            places.insert(*digest, place);
        }
        for (manifest, objects) in &survey.manifests {
            if let Some(&place) = places.get(manifest) {
                let needed = objects.iter().filter_map(|digest| places.get(digest));
                self.things[place].needs.extend(needed);
            }
        }
        places
    }

    fn add_runs(
        &mut self,
        survey: &Survey,
        facts: &Facts,
        known: &Known,
        objects: &HashMap<Digest, usize>,
        reusable: bool,
    ) {
        let mut places: HashMap<RunId, usize> = HashMap::with_capacity(facts.runs.len());
        // An active run may have found one a moment ago and not yet have recorded it.
        let reusable = reusable && known.active.is_empty();
        for run in &facts.runs {
            let active = known.active.contains(&run.root);
            let used = Claim::Used(known.used[&run.root]);
            let claim = match (active, run.pruned) {
                (true, _) => Claim::Held,
                (_, true) => Claim::None,
                _ if facts.reusable.contains(&run.id) && !reusable => Claim::Held,
                _ => used,
            };
            let seen = survey.runs.get(&run.id);
            let leftovers = seen.iter().flat_map(|seen| &seen.leftovers);
            let left: u64 = leftovers.clone().map(|found| found.bytes).sum();
            let bytes = seen.map_or(0, |seen| seen.found.bytes.saturating_sub(left));
            let place = self.add(GcKind::Runs, bytes, claim, What::Run(run.id));
            places.insert(run.id, place);
            for found in leftovers {
                let claim = if active { Claim::Held } else { Claim::None };
                self.add_found(GcKind::Leftovers, found, claim);
            }
            let snapshot = run.snapshot.as_ref().filter(|_| !run.pruned);
            let snapshot = snapshot.and_then(|text| objects.get(&text.parse().ok()?));
            self.things[place].needs.extend(snapshot);
            for found in survey.outputs.get(&run.id).into_iter().flatten() {
                let claim = match known.refers_to(run, found) {
                    true => Claim::Held,
                    false => Claim::None,
                };
                let output = self.add_found(GcKind::Outputs, found, claim);
                self.things[place].needs.push(output);
            }
        }
        for run in &facts.runs {
            let source = run.reused_from.and_then(|source| places.get(&source));
            if let (Some(&source), Some(&place)) = (source, places.get(&run.id)) {
                self.things[place].needs.push(source);
            }
        }
    }

    fn add_rest(&mut self, survey: &Survey, facts: &Facts, known: &Known) {
        for found in &survey.environments {
            // Which run uses which is known to the steps alone, so all stay while one is active.
            let claim = match known.active.is_empty() && !found.fresh {
                true => Claim::Used(found.at),
                false => Claim::Held,
            };
            self.add_found(GcKind::Environments, found, claim);
        }
        for found in &survey.views {
            let name = found.path.file_name().unwrap_or_default();
            let claim = match found.fresh || known.names.contains(name) {
                true => Claim::Held,
                false => Claim::Used(found.at),
            };
            self.add_found(GcKind::Views, found, claim);
        }
        let known_runs: HashSet<RunId> = facts.runs.iter().map(|run| run.id).collect();
        for (run, folder) in &survey.runs {
            if !known_runs.contains(run) && !folder.found.fresh {
                self.add_found(GcKind::Leftovers, &folder.found, Claim::None);
            }
        }
    }
}

/// What is referred to, in the forms that are asked for.
struct Known {
    /// The trees of which a run is not over.
    active: HashSet<RunId>,
    /// When each tree was last of use.
    used: HashMap<RunId, Timestamp>,
    /// Objects that models and tables of other rooms name.
    digests: HashSet<Digest>,
    /// Ids and names of views that active runs and tables of other rooms name in paths.
    names: HashSet<String>,
    /// Places on datastores that datasets, published pipelines and active runs read: datastore and
    /// path.
    places: Vec<(String, String)>,
    /// Whether that is all: not when the definition of a dataset cannot be read.
    is_complete: bool,
}

impl Known {
    fn of(facts: &Facts) -> Self {
        let mut used: HashMap<RunId, Timestamp> = HashMap::new();
        for run in &facts.runs {
            let last = used.entry(run.root).or_insert(run.used);
            *last = (*last).max(run.used);
        }
        let references = &facts.references;
        let mut names = references.mentions.clone();
        let datasets: Option<Vec<_>> = references.datasets.iter().map(places_of).collect();
        let is_complete = datasets.is_some();
        let mut places: Vec<(String, String)> = datasets.into_iter().flatten().flatten().collect();
        let needed = references
            .places
            .iter()
            .filter_map(|place| place.split_once('/'));
        places
            .extend(needed.map(|(datastore, path)| {
                (datastore.to_owned(), path.trim_matches('/').to_owned())
            }));
        for step in facts.active.iter().flat_map(|graph| graph.steps()) {
            for input in &step.spec.inputs {
                if let InputSource::Datastore { datastore, path } = &input.source {
                    names_in(&format!("/{path}/"), &mut names);
                    places.push((datastore.clone(), path.trim_matches('/').to_owned()));
                }
            }
        }
        let digests = references.models.iter().chain(&references.mentions);
        Self {
            active: facts
                .runs
                .iter()
                .filter(|run| !run.over)
                .map(|run| run.root)
                .collect(),
            used,
            digests: digests.filter_map(|text| text.parse().ok()).collect(),
            names,
            places,
            is_complete,
        }
    }

    /// Whether somebody reads, or may read, an output that was found.
    fn refers_to(&self, run: &RunFacts, found: &Found) -> bool {
        if !self.is_complete || self.names.contains(&run.id.to_string()) {
            return true;
        }
        let mut own = run.outputs.iter().filter(|place| is_own(run, place));
        let Some(output) = own.find(|place| found.path.as_str().ends_with(&place.path)) else {
            return true;
        };
        self.places
            .iter()
            .any(|(datastore, path)| *datastore == output.datastore && overlap(path, &output.path))
    }
}

/// Whether one of two paths lies in the other.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (Utf8Path::new(one), Utf8Path::new(other));
    one.starts_with(other) || other.starts_with(one)
}

/// The places that a definition's data lies in; of a pattern, the folder that holds all it can match. `None`
/// when nothing is known of it.
fn places_of(definition: &DatasetDefinition) -> Option<Vec<(String, String)>> {
    let place = |location: &DataLocation| match location {
        DataLocation::Datastore(place) => {
            let Place { datastore, path } = place.before_wildcard();
            Some((datastore, path))
        }
        DataLocation::Query { .. }
        | DataLocation::Local(_)
        | DataLocation::Url(_)
        | DataLocation::Input(_) => None,
    };
    let locations = definition.locations()?;
    Some(locations.iter().filter_map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_keeps_what_lies_in_its_places_and_around_them() {
        let definition = DatasetDefinition::parse(
            r#"{"places":[{"datastore":"blob","path":"azureml/r/x/**/*.csv"},{"url":"http://h"}]}"#,
        );
        let places = places_of(&definition.expect("a definition")).expect("known");
        assert_eq!(places, [("blob".to_owned(), "azureml/r/x".to_owned())]);
        assert!(overlap("azureml/r/x", "azureml/r/x/y") && overlap("azureml", "azureml/r/x"));
        assert!(
            overlap("", "azureml/r/x"),
            "a dataset of a datastore's root"
        );
        assert!(!overlap("azureml/r/x", "azureml/r/xy"));
    }
}
