//! Datasets as values of parameters: whether there is such a one, and where its files are.
//!
//! A place is only given when it holds the files of the dataset and nothing else. What needs
//! filters or several places is gathered by the SDK, which knows how; it sends the place itself.

use camino::Utf8Path;
use serde::Deserialize;
use stepwell_api::{DatasetValue, Parameter, PlaceOnDatastore, SubmitRun};
use stepwell_store::datasets;

use crate::app::App;
use crate::error::{ApiError, Result};

/// As much of a definition as tells where its files are; the SDK's own form.
#[derive(Debug, Deserialize)]
struct Definition {
    #[serde(default)]
    places: Vec<serde_json::Value>,
    #[serde(default)]
    reading: Option<serde_json::Value>,
    #[serde(default)]
    steps: Vec<serde_json::Value>,
    #[serde(default)]
    is_file: bool,
}

/// The value with its place, if it has one.
///
/// # Errors
/// When there is no such dataset.
pub(crate) async fn look_up(
    app: &App,
    parameter: &str,
    value: DatasetValue,
) -> Result<DatasetValue> {
    let id = value.id;
    let found = app.store.read(move |db| datasets::find(db, id)).await?;
    let Some(found) = found else {
        return Err(ApiError::invalid(format!(
            "parameter `{parameter}` is given dataset {id}, which there is not"
        ))
        .hint("give the id of a saved dataset, or of a version of a registered one"));
    };
    let place = match value.place {
        Some(place) => Some(place),
        None => place_of(app, &found.definition_json),
    };
    Ok(DatasetValue { id, place })
}

/// The same for every dataset that a submission names, as a default or as a value.
pub(crate) async fn look_up_all(app: &App, body: &mut SubmitRun) -> Result<()> {
    for (name, parameter) in &mut body.declared {
        if let Parameter::Dataset(value) = parameter {
            *value = look_up(app, name, value.clone()).await?;
        }
    }
    for (name, value) in &mut body.datasets {
        *value = look_up(app, name, value.clone()).await?;
    }
    Ok(())
}

/// The place that holds a dataset's files and nothing else.
fn place_of(app: &App, definition_json: &str) -> Option<PlaceOnDatastore> {
    let definition: Definition = serde_json::from_str(definition_json).ok()?;
    let [place] = &definition.places[..] else {
        return None;
    };
    let place: PlaceOnDatastore = serde_json::from_value(place.clone()).ok()?;
    let is_table = definition.reading.is_some();
    if !definition.steps.is_empty() && !is_table {
        return None;
    }
    app.datastores.get(&place.datastore).ok()?;
    let Some(start) = app.datastores.local(&place.datastore, &place.path) else {
        // What is there cannot be seen from here; a plain path is what it says.
        let is_plain = !place.path.contains(['*', '?']) && !place.path.trim_matches('/').is_empty();
        return is_plain.then_some(place);
    };
    let is_folder = start.is_dir() && !place.path.trim_matches('/').is_empty();
    let is_file = Utf8Path::is_file(&start) && (definition.is_file || is_table);
    (is_folder || is_file).then_some(place)
}
