//! Outputs that become datasets when their step has succeeded: which files they hold, and how the
//! version is recorded beside the step's end.
//!
//! Files are looked at off the loop; the version is written in the transaction that records the
//! end. So there is exactly one, whoever crashes when, and whether or not the program that
//! submitted the run is still there.
//!
//! A reused step has the outputs of an earlier one. It makes a version only if the newest of the
//! name is another thing, so unchanged runs do not count versions up.

use stepwell_data::content::Contents;
use stepwell_data::stamp::Stamp;
use stepwell_model::{Graph, Output, Place, Reading, Registration, RunId, StepIndex, Timestamp};
use stepwell_store::datasets::{self, Dataset, DatasetFile, KnownName};
use stepwell_store::{Connection, runs};
use uuid::Uuid;

use super::launch::{self, StepContext};

/// The beginning of the property that says what became of an output; its name follows.
const PROPERTY: &str = "stepwell.dataset.";

/// A dataset that is to be registered.
#[derive(Debug, Clone)]
pub(super) struct NewDataset {
    output: String,
    name: String,
    new_version: bool,
    /// The dataset, or why it cannot be one.
    found: Result<Dataset, String>,
}

/// The datasets that the outputs of a step become when its run, or the one it reuses,
/// is `run`.
pub(super) fn inspect(
    site: &StepContext,
    contents: &Contents,
    graph: &Graph,
    step: StepIndex,
    run: RunId,
) -> Vec<NewDataset> {
    let outputs = graph.step(step).spec.outputs.iter();
    let registered = outputs.filter_map(|output| Some((output, output.register.as_ref()?)));
    let dataset = |(output, registration): (&Output, &Registration)| {
        let found = match files(site, contents, output, run) {
            Ok(files) => of_files(registration, output, run, files),
            Err(reason) => Err(reason),
        };
        NewDataset {
            output: output.name.clone(),
            name: registration.name.clone(),
            new_version: registration.new_version,
            found,
        }
    };
    registered.map(dataset).collect()
}

/// Whether a step has outputs that become datasets.
pub(super) fn concerns(graph: &Graph, step: StepIndex) -> bool {
    let mut outputs = graph.step(step).spec.outputs.iter();
    outputs.any(|output| output.register.is_some())
}

/// The files of an output as they are now, by their paths below it: those that are here are looked
/// at, those on another machine are as they were uploaded.
fn files(
    site: &StepContext,
    contents: &Contents,
    output: &Output,
    run: RunId,
) -> Result<Vec<(String, DatasetFile)>, String> {
    if !site.is_here(&output.datastore) {
        let files = site.delivered_files(run, output);
        return files.ok_or_else(|| "it is not known what was uploaded".to_owned());
    }
    let root = launch::output_path(run, output);
    let place = site.local(&output.datastore, &root);
    let stamps = contents.stamps(&place);
    let stamps = stamps.map_err(|error| format!("its files cannot be read: {error}"))?;
    let file = |(name, stamp): (String, Stamp)| {
        let path = format!("{root}/{name}").trim_end_matches('/').to_owned();
        let file = DatasetFile {
            datastore: output.datastore.clone(),
            path,
            size: stamp.size,
            modified_ns: stamp.modified_ns,
            digest: stamp.digest.map(|digest| digest.to_string()),
            etag: None,
        };
        (name, file)
    };
    Ok(stamps.into_iter().map(file).collect())
}

fn of_files(
    registration: &Registration,
    output: &Output,
    run: RunId,
    files: Vec<(String, DatasetFile)>,
) -> Result<Dataset, String> {
    if files.is_empty() {
        return Err(format!(
            "the step wrote nothing to its output `{}`",
            output.name
        ));
    }
    let read = files
        .into_iter()
        .filter(|(name, _)| is_read(registration.definition.reading(), name))
        .map(|(_, file)| file);
    let place = Place {
        datastore: output.datastore.clone(),
        path: launch::output_path(run, output),
    };
    Ok(Dataset {
        id: Uuid::now_v7(),
        name: None,
        version: None,
        kind: registration.kind,
        definition: registration.definition.at(place),
        files: read.collect(),
        tags: registration.tags.clone(),
        description: registration.description.clone(),
        created: Timestamp::from_millis(0),
    })
}

/// Whether the reading of the dataset takes a file, as the SDK decides it.
fn is_read(reading: Option<&Reading>, name: &str) -> bool {
    let Some(Reading { extension, glob }) = reading else {
        return true;
    };
    let ends = extension
        .as_ref()
        .is_none_or(|extension| name.ends_with(extension.as_str()));
    let matches = |glob: &String| {
        let glob = glob.trim_start_matches('/');
        // What matches may be a folder, too.
        let folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        folders
            .chain([name])
            .any(|path| fast_glob::glob_match(glob, path))
    };
    ends && glob.as_ref().is_none_or(matches)
}

impl NewDataset {
    /// Makes the version, and writes down at the step's run what became of it.
    pub(super) fn write(
        &self,
        db: &Connection,
        step_run: RunId,
        at: Timestamp,
    ) -> stepwell_store::Result<()> {
        let known = match self.new_version {
            true => KnownName::NewVersion,
            false => KnownName::Refuse,
        };
        let recorded = match &self.found {
            Err(reason) => format!("not registered: {reason}"),
            Ok(dataset) => {
                let dataset = Dataset {
                    created: at,
                    ..dataset.clone()
                };
                match datasets::register(db, &self.name, dataset, known) {
                    Ok(made) => format!("{}:{}", self.name, made.version.unwrap_or_default()),
                    Err(stepwell_store::Error::Conflict(reason)) => {
                        format!("not registered: {reason}")
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let change = runs::Change {
            add_properties: [(format!("{PROPERTY}{}", self.output), recorded)].into(),
            ..runs::Change::default()
        };
        match runs::change(db, step_run, change) {
            // The program of the step has set the property itself; it is only a note.
            Err(stepwell_store::Error::Conflict(_)) => Ok(()),
            changed => changed.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_read_are_recorded() {
        let reading = |extension: Option<&str>, glob: Option<&str>| Reading {
            extension: extension.map(str::to_owned),
            glob: glob.map(str::to_owned),
        };
        let all = reading(None, None);
        let ends = reading(Some(".csv"), None);
        let below = reading(None, Some("/a/**/*.csv"));
        let folder = reading(None, Some("a*"));
        for (name, taken) in [
            ("a/x.csv", [true, true, true, true]),
            ("a/b/c/x.csv", [true, true, true, true]),
            ("b/x.csv", [true, true, false, false]),
            ("a/x.txt", [true, false, false, true]),
        ] {
            let rules = [&all, &ends, &below, &folder];
            assert_eq!(rules.map(|rule| is_read(Some(rule), name)), taken, "{name}");
        }
    }
}
