//! Files of datasets that are in no place of their own, gathered by the SDK that knows how.
//!
//! A program without the SDK names a dataset by its id. If that is a wildcard, several places, a
//! URL or a part of a folder, the SDK of the published pipeline makes a folder of links, as it does
//! when it submits itself. It is given the definition and the folders of local datastores, and no
//! token: it cannot ask the server for anything.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value as Json, json};
use stepwell_data::folder;
use stepwell_model::{DatasetDefinition, DatasetKind, DatasetValue, Place, Template};
use stepwell_store::datasets;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use super::datasets::place_of;
use crate::core::Core;
use crate::{Error, Result};

/// How long gathering may take: files behind URLs are fetched.
const GATHER_MAX: Duration = Duration::from_secs(120);

/// Gives a place to each dataset that has none and that a step reads as files.
///
/// # Errors
/// When the files of a dataset are not there or cannot be fetched; the message says why.
pub(super) async fn gather(
    core: &Core,
    template: &Template,
    values: &mut BTreeMap<String, DatasetValue>,
) -> Result<()> {
    for (name, value) in values.iter_mut().filter(|(_, value)| value.place.is_none()) {
        let is_read = template
            .open_inputs
            .iter()
            .any(|open| open.parameter == *name);
        let Ok(id) = value.id.parse::<Uuid>() else {
            continue;
        };
        let found = core.store.read(move |db| datasets::find(db, id)).await?;
        let is_wanted = |kind| is_read && kind == DatasetKind::File;
        let Some(found) = found.filter(|found| is_wanted(found.kind)) else {
            continue;
        };
        if place_of(core, &found.definition).is_none() {
            value.place = Some(by_sdk(core, template, name, &found.definition).await?);
        }
    }
    Ok(())
}

async fn by_sdk(
    core: &Core,
    template: &Template,
    parameter: &str,
    definition: &DatasetDefinition,
) -> Result<Place> {
    let refuse = |why: &str| {
        Error::invalid(format!(
            "the files of the dataset that parameter `{parameter}` is given cannot be gathered: {why}"
        ))
        .hint("give a dataset that is one folder or one file of a datastore")
    };
    let (Some(python), Some(sdk)) = (interpreter(template), &template.sdk_path) else {
        return Err(refuse("the pipeline was published without the SDK"));
    };
    let definition: Json =
        serde_json::from_str(definition.text()).map_err(|error| Error::internal(&error))?;
    let roots: serde_json::Map<String, Json> = core
        .datastores
        .names()
        .into_iter()
        .filter_map(|name| {
            let root = core.datastores.local(&name, "")?;
            Some((name, Json::String(root.into_string())))
        })
        .collect();
    let request = json!({"kind": "file", "definition": definition, "roots": roots}).to_string();
    let mut command = Command::new(python);
    command
        .args(["-m", "stepwell._dataset_place"])
        .env_clear()
        .env("PYTHONPATH", core.folder.sdk().join(folder::sdk_name(sdk)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .map_err(|error| refuse(&error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that has died already says why on standard error.
        let _ = stdin.write_all(request.as_bytes()).await;
    }
    let done = timeout(GATHER_MAX, child.wait_with_output()).await;
    let done = done.map_err(|_| refuse("it took longer than two minutes"))?;
    let done = done.map_err(|error| refuse(&error.to_string()))?;
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr);
        let last = why
            .trim()
            .lines()
            .last()
            .unwrap_or("the SDK could not be started");
        return Err(refuse(last));
    }
    serde_json::from_slice(&done.stdout).map_err(|error| Error::internal(&error))
}

/// The Python of the program that published the pipeline, as far as a step of it knows.
fn interpreter(template: &Template) -> Option<&str> {
    let environments = template
        .steps
        .iter()
        .filter_map(|step| step.task.kind().environment());
    environments
        .map(|environment| environment.base_python())
        .next()
}
