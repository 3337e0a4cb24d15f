//! Data of steps on other machines: where it comes from, and what is there.
//!
//! What a remote input looks like goes into a step's key: of an output that a step of ours
//! uploaded, the digests that were written down then; of anything else, size and etag as listed. Rows
//! of a database have no etag: they are read, and digested.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};
use stepwell_data::content::File;
use stepwell_data::stamp::digest_of;
use stepwell_datastore::steps::{Delivered, DeliveredFile};
use stepwell_datastore::{Entry, Error};
use stepwell_model::{Graph, Input, InputSource, Output, RunId, StepIndex, TaskKind};
use stepwell_store::datasets::DatasetFile;

use super::launch::{StepContext, output_path};
use super::reuse::CacheQuery;
use super::rows;

/// How many places are listed at once.
const LISTINGS: usize = 8;

/// A datastore and a path on it, or rows of it.
pub type Place = (String, String);

/// What was found at places on other machines.
pub type Seen = HashMap<Place, Result<Vec<Entry>, Error>>;

/// Where the data of an input is, and the run that made it if a step of this graph did.
pub(super) struct Origin<'a> {
    pub(super) datastore: &'a str,
    pub(super) path: String,
    pub(super) maker: Option<(RunId, &'a Output)>,
}

/// Where the data of an input comes from; nothing when its producer has no such output.
pub(super) fn origin<'a>(
    graph: &'a Graph,
    sources: &HashMap<StepIndex, RunId>,
    source: &'a InputSource,
) -> Option<Origin<'a>> {
    match source {
        InputSource::Datastore { datastore, path } => Some(Origin {
            datastore,
            path: path.trim_matches('/').to_owned(),
            maker: None,
        }),
        InputSource::Step { step, output } => {
            let producer = graph.step(*step);
            let run = sources.get(step).copied().unwrap_or(producer.run);
            let mut ports = producer.spec.outputs.iter();
            let port = ports.find(|port| port.name == *output)?;
            Some(Origin {
                datastore: &port.datastore,
                path: output_path(run, port),
                maker: Some((run, port)),
            })
        }
    }
}

impl StepContext {
    /// Whether a datastore is a folder of this machine.
    pub(super) fn is_here(&self, datastore: &str) -> bool {
        self.datastores.local(datastore, "").is_some()
    }

    /// Whether all that a step reads and writes is on this machine.
    pub(super) fn is_all_here(&self, graph: &Graph, step: StepIndex) -> bool {
        let spec = &graph.step(step).spec;
        let none = HashMap::new();
        let reads = spec.inputs.iter().all(|input| {
            let origin = origin(graph, &none, &input.source);
            origin.is_none_or(|origin| self.is_here(origin.datastore))
        });
        reads
            && spec
                .outputs
                .iter()
                .all(|output| self.is_here(&output.datastore))
    }

    /// What a run has uploaded.
    fn delivered(&self, run: RunId) -> Option<Delivered> {
        Delivered::read(&self.folder.delivered(run))
    }

    /// What an uploaded output of a run looks like, as text; nothing if it is not known.
    pub(super) fn delivered_stamp(&self, run: RunId, output: &Output) -> Option<String> {
        let stamp = self.delivered(run)?.stamp(&output.name)?;
        Some(stamp.to_string())
    }

    /// What a run has uploaded of an output, as files of a dataset, by their paths below it.
    pub(super) fn delivered_files(
        &self,
        run: RunId,
        output: &Output,
    ) -> Option<Vec<(String, DatasetFile)>> {
        let delivered = self.delivered(run)?;
        let files = delivered.outputs.get(&output.name)?;
        let root = output_path(run, output);
        let file = |file: &DeliveredFile| {
            let known = DatasetFile {
                datastore: output.datastore.clone(),
                path: file.path.clone(),
                size: file.size,
                modified_ns: 0,
                digest: None,
                etag: Some(file.etag.clone()),
            };
            (within(&file.path, &root), known)
        };
        Some(files.iter().map(file).collect())
    }

    /// Looks at what the inputs of steps are on other machines, each place once.
    pub(super) async fn inspect(&self, queries: &[CacheQuery]) -> Seen {
        let mut places: Vec<Place> = Vec::new();
        for query in queries {
            let spec = &query.graph.step(query.step).spec;
            let reads = |input: &&Input| spec.task.kind().reads(&input.name);
            for input in spec.inputs.iter().filter(reads) {
                let origin = origin(&query.graph, &query.sources, &input.source);
                let Some(origin) = origin.filter(|origin| !self.is_here(origin.datastore)) else {
                    continue;
                };
                if origin.maker.and_then(|maker| self.made(maker)).is_none() {
                    places.push(self.place(&origin, input, spec.task.kind()));
                }
            }
        }
        places.sort();
        places.dedup();
        let listings = places.into_iter().map(|place| async {
            let listed = self.list(&place).await;
            (place, listed)
        });
        stream::iter(listings)
            .buffer_unordered(LISTINGS)
            .collect()
            .await
    }

    /// The place of an input; of a database it says which rows are read.
    fn place(&self, origin: &Origin<'_>, input: &Input, task: &dyn TaskKind) -> Place {
        let store = self.datastores.get(origin.datastore);
        let is_database = store.is_ok_and(|store| store.place().is_database());
        let rows = task.rows(&input.name).filter(|_| is_database);
        let path = match rows {
            Some(rows) => rows::Rows::text(&origin.path, rows),
            None => origin.path.clone(),
        };
        (origin.datastore.to_owned(), path)
    }

    async fn list(&self, (datastore, path): &Place) -> Result<Vec<Entry>, Error> {
        let store = self.datastores.get(datastore)?;
        if let Some(rows) = rows::Rows::of(path) {
            return rows.digest(&store).await;
        }
        match store.files(path).await {
            // Nothing is a content too.
            Err(error) if error.is_absent() => Ok(Vec::new()),
            found => found,
        }
    }

    /// What a step of ours uploaded, as its files and their digests.
    fn made(&self, (run, output): (RunId, &Output)) -> Option<Vec<File>> {
        let delivered = self.delivered(run)?;
        let files = delivered.outputs.get(&output.name)?;
        let root = output_path(run, output);
        Some(
            files
                .iter()
                .map(|file| File {
                    path: within(&file.path, &root),
                    digest: match &file.digest {
                        Some(digest) => digest_of(digest.as_bytes()),
                        None => digest_of(format!("{} {}", file.size, file.etag).as_bytes()),
                    },
                })
                .collect(),
        )
    }

    /// The files of an input on another machine, with what stands for their content.
    pub(super) fn remote_files(
        &self,
        origin: &Origin<'_>,
        (input, task): (&Input, &dyn TaskKind),
        seen: &Seen,
    ) -> Result<Vec<File>, Error> {
        if let Some(files) = origin.maker.and_then(|maker| self.made(maker)) {
            return Ok(files);
        }
        let place = self.place(origin, input, task);
        let found = match seen.get(&place) {
            Some(found) => found.clone()?,
            None => return Err(Error::Unknown(place.0)),
        };
        let file = |entry: Entry| File {
            path: within(&entry.path, &origin.path),
            digest: digest_of(format!("{} {}", entry.size, entry.etag).as_bytes()),
        };
        Ok(found.into_iter().map(file).collect())
    }

    /// Whether the outputs that a run uploaded are still as it left them.
    pub(super) async fn is_still_there(&self, run: RunId, outputs: &[Output]) -> bool {
        let mut delivered = None;
        for output in outputs.iter().filter(|port| !self.is_here(&port.datastore)) {
            if delivered.is_none() {
                delivered = self.delivered(run);
            }
            let (Some(delivered), Ok(store)) = (&delivered, self.datastores.get(&output.datastore))
            else {
                return false;
            };
            let path = output_path(run, output);
            let checked = delivered.is_untouched(&output.name, &store, &path).await;
            if !checked.unwrap_or(false) {
                return false;
            }
        }
        true
    }
}

/// A path within a folder; empty for the folder itself.
fn within(path: &str, folder: &str) -> String {
    let inner = path.strip_prefix(folder).unwrap_or(path);
    inner.trim_start_matches('/').to_owned()
}
