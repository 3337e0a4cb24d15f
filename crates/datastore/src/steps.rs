//! What a step reads from other machines is fetched before it starts; what it wrote for them is
//! uploaded after it has ended well.
//!
//! A fetched input is a file or a folder of links into the cache, which are not to be written to.
//! An output is written to a folder of this machine first. Its step has succeeded only
//! when all of it is there: whoever sees the success finds it whole, and a step that failed,
//! was stopped or was killed has uploaded nothing, or what it uploaded is taken away again.
//!
//! Everything may be done again from the start after a crash: what is in the cache is not fetched
//! again, and a file that is uploaded twice is the same file.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use stepwell_data::stamp;
use stepwell_model::{Digest, Failure, FailureKind};

use crate::transfer::{self, Lanes, Progress, Work};
use crate::{Datastore, Entry, Error, Registry, Result, limits};

/// How often the step's log says how far a transfer is.
const LOG_EVERY: Duration = Duration::from_secs(2);

/// The data of one attempt that is on other machines.
#[derive(Debug, Clone)]
pub struct StepData {
    /// The datastores of the workspace.
    pub datastores: Arc<Registry>,
    /// What is fetched.
    pub inputs: Vec<Fetch>,
    /// What is uploaded.
    pub outputs: Vec<Delivery>,
    /// The folder in which all of it is on this machine; removed when the attempt is over.
    pub folder: Utf8PathBuf,
    /// Where it is written down what was uploaded.
    pub record: Utf8PathBuf,
    /// The step's log.
    pub log: Utf8PathBuf,
}

/// An input to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The name of the port.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// A file or a folder on it.
    pub path: String,
    /// Where it appears.
    pub target: Utf8PathBuf,
    /// Whether it is a fault when nothing is there; else an empty folder appears.
    pub must_exist: bool,
}

/// An output to upload.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The name of the port.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// The path it gets there.
    pub path: String,
    /// Whether no other step ever writes to that path.
    pub is_own: bool,
    /// Whether files that are there already must not be replaced.
    pub keep_existing: bool,
    /// Where it is on this machine.
    pub source: Utf8PathBuf,
}

/// What was uploaded of each output, by its name. Stored as JSON; new fields have defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The outputs.
    pub outputs: BTreeMap<String, Vec<DeliveredFile>>,
}

/// A file of an output as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredFile {
    /// Its path on the datastore.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What the datastore knows this content by.
    pub etag: String,
    /// The digest of its content, unless it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Delivered {
    /// What a step has uploaded; nothing if it is not known.
    #[must_use]
    pub fn read(record: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(record).ok()?).ok()
    }

    /// What one output looks like, as one digest.
    #[must_use]
    pub fn stamp(&self, output: &str) -> Option<Digest> {
        let files = self.outputs.get(output)?;
        Some(stamp::digest_of(&serde_json::to_vec(files).ok()?))
    }

    /// Whether every file of an output is still on the datastore as it was uploaded.
    ///
    /// # Errors
    /// When the datastore cannot be listed.
    pub async fn is_untouched(&self, output: &str, store: &Datastore, path: &str) -> Result<bool> {
        let Some(files) = self.outputs.get(output) else {
            return Ok(false);
        };
        if files.is_empty() {
            return Ok(true);
        }
        let found = match store.files(path).await {
            Err(error) if error.is_absent() => return Ok(false),
            found => found?,
        };
        let there: BTreeMap<&str, &Entry> = found
            .iter()
            .map(|entry| (entry.path.as_str(), entry))
            .collect();
        Ok(files.iter().all(|file| {
            there
                .get(file.path.as_str())
                .is_some_and(|entry| entry.size == file.size && entry.etag == file.etag)
        }))
    }
}

impl StepData {
    /// Brings all inputs to this machine. Stopping to wait for it leaves nothing behind that
    /// another try would trip over.
    ///
    /// # Errors
    /// As a failure of the step, when one cannot be had.
    pub async fn fetch(&self) -> Result<(), Failure> {
        if self.inputs.is_empty() {
            return Ok(());
        }
        let progress = Progress::default();
        let lanes = Lanes::default();
        self.with_progress("inputs fetched", &progress, async {
            for input in &self.inputs {
                let fetched = self.fetch_one(input, &lanes, &progress).await;
                fetched.map_err(|error| {
                    let what = format!("input `{}` could not be fetched", input.name);
                    failure(&what, &error)
                })?;
            }
            Ok(())
        })
        .await
    }

    async fn fetch_one(&self, input: &Fetch, lanes: &Lanes, progress: &Progress) -> Result<()> {
        let store = self.datastores.get(&input.datastore)?;
        remove(&input.target)?;
        let found = match store.files(&input.path).await {
            Err(error) if error.is_absent() && !input.must_exist => Vec::new(),
            found => found?,
        };
        if found.is_empty() && input.must_exist {
            return Err(Error::Absent {
                datastore: input.datastore.clone(),
                path: input.path.clone(),
            });
        }
        let bytes = found.iter().map(|entry| entry.size).sum();
        progress.expect(found.len() as u64, bytes);
        let root = input.path.trim_matches('/');
        let is_file = matches!(found.as_slice(), [only] if only.path == root);
        if !is_file {
            fs_err::create_dir_all(&input.target)?;
        }
        let place = |entry: &Entry| match is_file {
            true => input.target.clone(),
            false => input.target.join(below(&entry.path, root)),
        };
        let mut links: Vec<Work<'_, Result<()>>> = Vec::with_capacity(found.len());
        for entry in &found {
            let (target, store) = (place(entry), &store);
            links.push(Box::pin(async move {
                if let Some(folder) = target.parent() {
                    fs_err::create_dir_all(folder)?;
                }
                let cache = self.datastores.cache();
                cache.link(store, entry, &target, lanes, progress).await
            }));
        }
        let mut links = stream::iter(links).buffer_unordered(limits::REQUESTS);
        while links.try_next().await?.is_some() {}
        Ok(())
    }

    /// Uploads all outputs and writes down what was uploaded.
    ///
    /// # Errors
    /// As a failure of the step; what was uploaded is taken away again where nobody else writes.
    pub async fn deliver(&self) -> Result<(), Failure> {
        if self.outputs.is_empty() {
            return Ok(());
        }
        let progress = Progress::default();
        let mut delivered = Delivered::default();
        self.with_progress("outputs uploaded", &progress, async {
            self.refuse_to_replace().await?;
            for output in &self.outputs {
                let files = self.deliver_one(output, &progress).await;
                let files = files.map_err(|error| not_uploaded(output, &error))?;
                delivered.outputs.insert(output.name.clone(), files);
            }
            Ok(())
        })
        .await?;
        self.write_record(&delivered).map_err(|error| {
            let what = "it could not be written down what was uploaded";
            failure(what, &error.into())
        })
    }

    /// Refuses to replace what must not be replaced, before anything is uploaded.
    async fn refuse_to_replace(&self) -> Result<(), Failure> {
        // Once that has been seen, what is there is what an interrupted upload of ours has left.
        let seen = self.folder.join("replaces-nothing");
        if seen.exists() {
            return Ok(());
        }
        for output in &self.outputs {
            // Nobody but this step has written to what is its own.
            if output.keep_existing && !output.is_own {
                let checked = self.check_absent(output).await;
                checked.map_err(|error| not_uploaded(output, &error))?;
            }
        }
        let noted = fs_err::write(seen, "").map_err(Error::from);
        noted.map_err(|error| failure("the outputs could not be uploaded", &error))
    }

    async fn check_absent(&self, output: &Delivery) -> Result<()> {
        let store = self.datastores.get(&output.datastore)?;
        let (source, path) = (output.source.clone(), output.path.clone());
        let files = blocking(move || transfer::uploads(&source, &path)).await?;
        let there = match store.files(&output.path).await {
            Err(error) if error.is_absent() => return Ok(()),
            there => there?,
        };
        let there: HashSet<String> = there.into_iter().map(|entry| entry.path).collect();
        match files.into_iter().find(|file| there.contains(&file.path)) {
            None => Ok(()),
            Some(file) => Err(Error::Exists {
                datastore: output.datastore.clone(),
                path: file.path,
            }),
        }
    }

    async fn deliver_one(
        &self,
        output: &Delivery,
        progress: &Progress,
    ) -> Result<Vec<DeliveredFile>> {
        let store = self.datastores.get(&output.datastore)?;
        let (source, path) = (output.source.clone(), output.path.clone());
        let scanned = blocking(move || {
            let files = transfer::uploads(&source, &path)?;
            let places: Vec<_> = files.iter().map(|file| file.source.clone()).collect();
            let stamps = stamp::take(&places).map_err(|error| Error::File {
                kind: std::io::ErrorKind::Other,
                text: error.to_string(),
            })?;
            Ok((files, stamps))
        });
        let (files, stamps) = scanned.await?;
        let entries = transfer::upload_all(&store, &files, progress).await?;
        let file = |(entry, stamp): (Entry, stamp::Stamp)| DeliveredFile {
            path: entry.path,
            size: entry.size,
            etag: entry.etag,
            digest: stamp.digest.map(|digest| digest.to_string()),
        };
        Ok(entries.into_iter().zip(stamps).map(file).collect())
    }

    /// Takes away what an upload that came to nothing has left.
    pub async fn withdraw(&self) {
        for output in self.outputs.iter().filter(|output| output.is_own) {
            let Ok(store) = self.datastores.get(&output.datastore) else {
                continue;
            };
            let left = store.files(&output.path).await.unwrap_or_default();
            for entry in left {
                if let Err(error) = store.delete(&entry.path).await {
                    tracing::warn!(%error, "a part of an output could not be taken away");
                    break;
                }
            }
        }
    }

    /// Removes what is on this machine.
    pub async fn discard(&self) {
        let folder = self.folder.clone();
        if let Err(error) = blocking(move || remove(&folder)).await {
            tracing::warn!(%error, "the data of a step could not be removed");
        }
    }

    fn write_record(&self, delivered: &Delivered) -> std::io::Result<()> {
        let aside = self.record.with_extension("new");
        fs_err::write(&aside, serde_json::to_vec(delivered)?)?;
        fs_err::rename(aside, &self.record)
    }

    /// Does the work, and writes into the step's log how far it is and how it went.
    async fn with_progress<T>(
        &self,
        what: &str,
        progress: &Progress,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(LOG_EVERY);
        ticks.tick().await;
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick() => self.log_line(&format!("{what}: {}", progress.words())),
            }
        };
        match &done {
            Ok(_) => self.log_line(&format!("{what}: {}", progress.words())),
            Err(failure) => self.log_line(&failure.summary),
        }
        done
    }

    /// A line in the step's log. The step does not depend on it.
    fn log_line(&self, line: &str) {
        let mut options = std::fs::OpenOptions::new();
        options.append(true).create(true);
        let folder = self.log.parent().map(std::fs::create_dir_all);
        let written = folder
            .unwrap_or(Ok(()))
            .and_then(|()| options.open(&self.log))
            .and_then(|mut log| writeln!(log, "[stepwell] {line}"));
        if let Err(error) = written {
            tracing::debug!(%error, "a step's log cannot be written");
        }
    }
}

/// A path within a folder.
fn below<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .trim_start_matches('/')
}

fn remove(path: &Utf8Path) -> Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(about) if about.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
    };
    Ok(removed?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(Error::File {
            kind: std::io::ErrorKind::Other,
            text: error.to_string(),
        })
    })
}

fn not_uploaded(output: &Delivery, error: &Error) -> Failure {
    let what = format!("output `{}` could not be uploaded", output.name);
    failure(&what, error)
}

fn failure(what: &str, error: &Error) -> Failure {
    let failure = Failure::new(FailureKind::Storage, format!("{what}: {error}"));
    match error.hint() {
        "" => failure,
        hint => failure.with_hint(hint),
    }
}
