//! What files of datasets are like, on this machine and on others, and whether they still are.

use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use stepwell_data::stamp::{self, Change, Stamp};
use stepwell_datastore::{Entry, Registry};
use stepwell_model::{Place, Timestamp};
use stepwell_store::datasets::DatasetFile;

use crate::names::is_relative;
use crate::{Error, Result};

/// A file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root.
    pub path: String,
    /// How it differs.
    pub change: Change,
}

/// Looks at the files as they are now; those on other machines are asked for, many at once.
pub(super) async fn take_stamps(
    datastores: &Registry,
    places: Vec<Place>,
) -> Result<Vec<DatasetFile>> {
    for place in &places {
        check_place(datastores, place)?;
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        places.into_iter().enumerate().partition(|(_, place)| {
            let Place { datastore, path } = place;
            datastores.local(datastore, path).is_some()
        });
    let path_of = |(_, place): &(usize, Place)| {
        let path = datastores.local(&place.datastore, &place.path);
        path.unwrap_or_default()
    };
    let paths: Vec<Utf8PathBuf> = here.iter().map(path_of).collect();
    let stamps = blocking(move || stamp::take(&paths)).await?;
    let mut files: Vec<(usize, DatasetFile)> = here
        .into_iter()
        .zip(stamps)
        .map(|((number, place), stamp)| (number, stamped(place, stamp)))
        .collect();
    let asked = elsewhere.into_iter().map(|(number, place)| async move {
        let entry = datastores.get(&place.datastore)?.stat(&place.path).await?;
        Ok::<_, Error>((number, listed(place, entry)))
    });
    let asked: Vec<_> = stream::iter(asked)
        .buffer_unordered(STATS)
        .try_collect()
        .await?;
    files.extend(asked);
    files.sort_by_key(|(number, _)| *number);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// How many files on other machines are asked for at once.
const STATS: usize = 16;

fn stamped(place: Place, stamp: Stamp) -> DatasetFile {
    DatasetFile {
        datastore: place.datastore,
        path: place.path,
        size: stamp.size,
        modified_ns: stamp.modified_ns,
        digest: stamp.digest.map(|digest| digest.to_string()),
        etag: None,
    }
}

fn listed(place: Place, entry: Entry) -> DatasetFile {
    DatasetFile {
        datastore: place.datastore,
        path: place.path,
        size: entry.size,
        modified_ns: entry.modified_ms.saturating_mul(1_000_000),
        digest: None,
        etag: Some(entry.etag),
    }
}

fn check_place(datastores: &Registry, place: &Place) -> Result<()> {
    let Place { datastore, path } = place;
    if let Err(error) = datastores.get(datastore) {
        let known = datastores.names().join(", ");
        return Err(Error::invalid(error.to_string()).hint(format!("known datastores: {known}")));
    }
    match is_relative(path) {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "`{path}` is no file of datastore `{datastore}`"
        ))),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stepwell_data::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| Error::internal(&error))?;
    done.map_err(|error| match error {
        stepwell_data::Error::File(error) => {
            Error::invalid(format!("a file of the dataset cannot be read: {error}"))
                .hint("make the dataset again from the files there are")
        }
        error => Error::internal(&error),
    })
}

/// The files that are not what they were when they were seen.
pub(super) async fn changes(
    datastores: &Registry,
    files: Vec<DatasetFile>,
    seen: Timestamp,
) -> Result<Vec<ChangedFile>> {
    let (elsewhere, here): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.etag.is_some());
    let stamped = |file: &DatasetFile| {
        let stamp = Stamp {
            size: file.size,
            modified_ns: file.modified_ns,
            digest: file.digest.as_ref().and_then(|text| text.parse().ok()),
        };
        let place = datastores.local(&file.datastore, &file.path);
        (place.unwrap_or_default(), stamp)
    };
    let known: Vec<_> = here.iter().map(stamped).collect();
    let compared = blocking(move || stamp::compare(&known, seen)).await?;
    let asked = elsewhere.into_iter().map(|file| async move {
        let change = changed_elsewhere(datastores, &file).await?;
        Ok::<_, Error>((file, change))
    });
    let asked: Vec<_> = stream::iter(asked).buffered(STATS).try_collect().await?;
    let changed = here.into_iter().zip(compared).chain(asked);
    let changed = changed.filter_map(|(file, change)| {
        Some(ChangedFile {
            datastore: file.datastore,
            path: file.path,
            change: change?,
        })
    });
    Ok(changed.collect())
}

async fn changed_elsewhere(datastores: &Registry, file: &DatasetFile) -> Result<Option<Change>> {
    let Ok(store) = datastores.get(&file.datastore) else {
        return Ok(Some(Change::Gone));
    };
    match store.stat(&file.path).await {
        Err(error) if error.is_absent() => Ok(Some(Change::Gone)),
        Err(error) => Err(error.into()),
        Ok(entry) if Some(&entry.etag) == file.etag.as_ref() => Ok(None),
        Ok(_) => Ok(Some(Change::Changed)),
    }
}
