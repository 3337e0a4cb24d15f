//! Datasets as values of parameters: whether there is such a one, and where its files are.
//!
//! A place is only given when it holds the files of the dataset and nothing else. What needs
//! filters or several places is gathered by the SDK, which knows how; it sends the place itself.

use stepwell_model::{DatasetDefinition, DatasetValue, Place};
use stepwell_store::datasets;
use uuid::Uuid;

use crate::core::Core;
use crate::submission::check_place_of;
use crate::{Error, Result};

/// The value with its place, if it has one.
///
/// # Errors
/// When there is no such dataset, or its place is on no datastore of the workspace.
pub(crate) async fn look_up(
    core: &Core,
    parameter: &str,
    value: DatasetValue,
) -> Result<DatasetValue> {
    let DatasetValue { id, place } = value;
    let found = match id.parse::<Uuid>() {
        Ok(id) => core.store.read(move |db| datasets::find(db, id)).await?,
        Err(_) => None,
    };
    let Some(found) = found else {
        return Err(Error::invalid(format!(
            "parameter `{parameter}` is given dataset {id}, which there is not"
        ))
        .hint("give the id of a saved dataset, or of a version of a registered one"));
    };
    let place = place.or_else(|| place_of(core, &found.definition));
    if let Some(place) = &place {
        check_place_of(core, parameter, place)?;
    }
    Ok(DatasetValue { id, place })
}

/// The place that holds a dataset's files and nothing else.
pub(super) fn place_of(core: &Core, definition: &DatasetDefinition) -> Option<Place> {
    let place = definition.only_place()?;
    let is_table = definition.reading().is_some();
    if definition.has_steps() && !is_table {
        return None;
    }
    core.datastores.get(&place.datastore).ok()?;
    let is_root = place.path.trim_matches('/').is_empty();
    let fits = match core.datastores.local(&place.datastore, &place.path) {
        // What is there cannot be seen from here; a plain path is taken as it is.
        None => !place.has_wildcard() && !is_root,
        Some(start) if start.is_dir() => !is_root,
        // A dataset that names one file is given to a step as that file.
        Some(start) => start.is_file(),
    };
    fits.then(|| place.clone())
}
