//! The ports of a step: where its inputs come from, where its outputs go, and what they may be named.
//!
//! Invariant: no path that was let through leads out of a working folder. Datastores and the paths
//! on them are checked by the workspace, which knows them.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{Parameter, StepIndex};
use stepwell_workspace::names::{is_dataset_name, is_relative};

use crate::error::{ApiError, Result};

/// An input that a parameter chooses.
pub(super) struct OpenPort {
    pub(super) name: String,
    pub(super) parameter: String,
    pub(super) download: bool,
    pub(super) path_on_compute: Option<String>,
}

/// An input as it comes: known now, or chosen by a parameter.
pub(super) enum Source {
    Known(model::Input),
    Open(OpenPort),
}

pub(super) fn convert_input(
    input: api::StepInput,
    declared: &BTreeMap<String, Parameter>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<Source> {
    port_name(&input.name, refuse)?;
    if let Some(path) = input.path_on_compute.as_deref()
        && !is_relative(path)
    {
        return Err(refuse(format!(
            "`{path}` is not inside the step's working folder, where input `{}` should be",
            input.name
        ))
        .hint("give a relative path without `..`, or none"));
    }
    let source = match input.source {
        api::DataPlace::Step(place) => model::InputSource::Step {
            step: StepIndex(place.step),
            output: place.output,
        },
        api::DataPlace::Datastore { datastore, path } => {
            model::InputSource::Datastore { datastore, path }
        }
        api::DataPlace::Parameter(name) => match declared.get(&name) {
            Some(Parameter::DataPath(_) | Parameter::Dataset(_)) => {
                return Ok(Source::Open(OpenPort {
                    name: input.name,
                    parameter: name,
                    download: input.download,
                    path_on_compute: input.path_on_compute,
                }));
            }
            _ => {
                return Err(refuse(format!(
                    "input `{}` names the parameter `{name}`, which is no data path and no dataset",
                    input.name
                )));
            }
        },
    };
    Ok(Source::Known(model::Input {
        name: input.name,
        source,
        download: input.download,
        path_on_compute: input.path_on_compute,
    }))
}

pub(super) fn convert_output(
    output: api::StepOutput,
    default_datastore: &str,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Output> {
    port_name(&output.name, refuse)?;
    let datastore = output.datastore;
    let datastore = datastore.unwrap_or_else(|| default_datastore.to_owned());
    if let Some(source) = output.upload_from.as_deref()
        && !is_relative(source)
    {
        // What is uploaded is moved: it must be the step's own.
        return Err(refuse(format!(
            "the upload `{source}` is not inside the step's working folder"
        ))
        .hint("give a relative path without `..`, and let the script write there"));
    }
    if let Some(glob) = output.source_globs.iter().find(|glob| !is_glob(glob)) {
        return Err(refuse(format!("the pattern `{glob}` is not complete"))
            .hint("close every `[` and `{`, or write `\\[` for the character itself"));
    }
    let register = output.register.map(|dataset| registration(dataset, refuse));
    Ok(model::Output {
        name: output.name,
        datastore,
        path: output.path,
        upload_from: output.upload_from,
        make_folder: output.make_folder,
        keep_existing: output.keep_existing,
        source_globs: output.source_globs,
        register: register.transpose()?,
    })
}

/// Whether every bracket of a pattern is closed: one that is not would match nothing.
fn is_glob(glob: &str) -> bool {
    let (mut braces, mut in_class, mut escaped) = (0_usize, false, false);
    for c in glob.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '{' => braces += 1,
            '}' if braces == 0 => return false,
            '}' => braces -= 1,
            _ => {}
        }
    }
    braces == 0 && !in_class && !escaped && !glob.is_empty()
}

fn registration(
    dataset: api::RegisterOutput,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Registration> {
    if !is_dataset_name(&dataset.name) {
        return Err(refuse(format!("`{}` cannot name a dataset", dataset.name))
            .hint("use 1 to 255 characters without slashes"));
    }
    let definition = model::DatasetDefinition::parse(&dataset.definition.to_string());
    let definition =
        definition.map_err(|error| refuse(format!("the dataset `{}`: {error}", dataset.name)))?;
    Ok(model::Registration {
        kind: super::dataset::kind(dataset.kind),
        definition,
        name: dataset.name,
        description: dataset.description,
        tags: dataset.tags,
        new_version: dataset.create_new_version,
    })
}

fn port_name(name: &str, refuse: &dyn Fn(String) -> ApiError) -> Result<()> {
    match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => Ok(()),
        false => Err(refuse(format!("`{name}` cannot name an input or output"))
            .hint("use letters, digits and underscores")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_working_folder_is_uploaded() {
        let allowed = |source: &str| {
            let output = api::StepOutput {
                name: "made".to_owned(),
                datastore: None,
                path: None,
                upload_from: Some(source.to_owned()),
                make_folder: false,
                keep_existing: false,
                source_globs: Vec::new(),
                register: None,
            };
            convert_output(output, "blob", &ApiError::invalid).is_ok()
        };
        assert!(allowed("made/here") && allowed("./outputs/report"));
        assert!(!allowed("/home/user/data") && !allowed("../up") && !allowed("a/../../up"));
    }
}

#[cfg(test)]
mod glob_tests {
    use super::is_glob;

    #[test]
    fn a_pattern_with_an_open_bracket_is_none() {
        for glob in ["*.csv", "**/*.{csv,txt}", "[a-z]*", "a\\[b", "x"] {
            assert!(is_glob(glob), "{glob}");
        }
        for glob in ["[", "{a,b", "a}", "a\\", "", "[a-z", "{a,[b}"] {
            assert!(!is_glob(glob), "{glob}");
        }
    }
}
