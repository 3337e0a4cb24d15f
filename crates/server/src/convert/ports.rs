//! The ports of a step: where its inputs come from, where its outputs go, and what they may be named.
//!
//! Invariant: no path that was let through leads out of a datastore or a working folder.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_datastore::Registry;
use stepwell_model as model;
use stepwell_model::{Parameter, StepIndex};

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
    datastores: &Registry,
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
            data_place(datastores, &datastore, &path, refuse)?;
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
    datastores: &Registry,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Output> {
    port_name(&output.name, refuse)?;
    let datastore = output
        .datastore
        .unwrap_or_else(|| datastores.default_name());
    data_place(
        datastores,
        &datastore,
        output.path.as_deref().unwrap_or_default(),
        refuse,
    )?;
    if let Some(source) = output.upload_from.as_deref()
        && !is_relative(source)
    {
        // What is uploaded is moved: it must be the step's own.
        return Err(refuse(format!(
            "the upload `{source}` is not inside the step's working folder"
        ))
        .hint("give a relative path without `..`, and let the script write there"));
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

fn registration(
    dataset: api::RegisterOutput,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Registration> {
    if !is_dataset_name(&dataset.name) {
        return Err(refuse(format!("`{}` cannot name a dataset", dataset.name))
            .hint("use 1 to 255 characters without slashes"));
    }
    if !dataset.definition.is_object() {
        let name = dataset.name;
        return Err(refuse(format!(
            "the definition of dataset `{name}` is no object"
        )));
    }
    let reading = |key: &str| {
        let value = dataset.definition.get("reading")?.get(key)?;
        value.as_str().map(str::to_owned)
    };
    Ok(model::Registration {
        extension: reading("extension"),
        glob: reading("glob"),
        kind: super::dataset::kind_name(dataset.kind).to_owned(),
        definition_json: dataset.definition.to_string(),
        name: dataset.name,
        description: dataset.description,
        tags: dataset.tags,
        new_version: dataset.create_new_version,
    })
}

/// A dataset's name: 1 to 255 bytes, none of them a control character or a slash.
pub(crate) fn is_dataset_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    !name.trim().is_empty() && name.len() <= 255 && !name.contains(odd)
}

fn port_name(name: &str, refuse: &dyn Fn(String) -> ApiError) -> Result<()> {
    match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => Ok(()),
        false => Err(refuse(format!("`{name}` cannot name an input or output"))
            .hint("use letters, digits and underscores")),
    }
}

pub(super) fn data_place(
    datastores: &Registry,
    datastore: &str,
    path: &str,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<()> {
    if let Err(error) = datastores.get(datastore) {
        return Err(refuse(error.to_string()).hint(format!(
            "known datastores: {}",
            datastores.names().join(", ")
        )));
    }
    // A leading slash means the datastore's root.
    let path = path.trim_matches('/');
    match path.is_empty() || is_relative(path) {
        true => Ok(()),
        false => Err(refuse(format!(
            "`{path}` leads out of datastore `{datastore}`"
        ))),
    }
}

/// Whether a path stays below the folder it is relative to.
pub(crate) fn is_relative(path: &str) -> bool {
    use camino::Utf8Component::{CurDir, Normal};
    !path.is_empty()
        && !path.contains('\0')
        && camino::Utf8Path::new(path)
            .components()
            .all(|part| matches!(part, Normal(_) | CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_working_folder_is_uploaded() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = camino::Utf8Path::from_path(temp.path()).expect("UTF-8");
        let folder = stepwell_data::folder::DataFolder::new(root);
        let datastores = Registry::open(&folder, 1 << 20).expect("a cache");
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
            convert_output(output, &datastores, &ApiError::invalid).is_ok()
        };
        assert!(allowed("made/here") && allowed("./outputs/report"));
        assert!(!allowed("/home/user/data") && !allowed("../up") && !allowed("a/../../up"));
    }
}
