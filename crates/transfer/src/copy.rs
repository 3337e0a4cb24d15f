//! A copy from one end to another: surveyed, planned, performed.
//!
//! The way of each file follows from its ends: both on this machine, in the kernel; both on one
//! store, by the store itself; else in parts through this process.
//!
//! Dropping the work stops it. What it leaves behind then is what the log says: [`Copy::discard`]
//! takes it away, another [`Copy::perform`] goes on with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use stepwell_datastore::{Entry, Upload};

use crate::listing::{self, Depth, Item, Listing};
use crate::local;
use crate::log::{Line, Log, State, Unfinished};
use crate::plan::{self, FileCopy, Options, Plan, Side};
use crate::stream::{self as parts, Context};
use crate::{End, Error, Progress, Result, verify};

/// How many files are on their way at once.
const FILES_AT_ONCE: usize = 16;

/// How many threads copy files of this machine.
const THREADS_MAX: usize = 8;

/// The largest object that S3 copies by itself in one request.
const STORE_COPY_MAX: u64 = 5 << 30;

/// What is copied where.
#[derive(Debug, Clone)]
pub struct Copy {
    /// What is copied.
    pub source: End,
    /// Where to.
    pub destination: End,
    /// How.
    pub options: Options,
    /// The folder that holds what is finished; without it a copy that is killed begins anew.
    pub state: Option<Utf8PathBuf>,
}

/// What came of a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Files that are at the destination now and were copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there unchanged.
    pub skipped: u64,
    /// Bytes among them that an earlier try of this copy had finished.
    pub resumed_bytes: u64,
}

impl Copy {
    /// Looks at both ends and decides what to do. Nothing is changed.
    ///
    /// # Errors
    /// Why the copy must not be done, and those of the stores.
    pub async fn plan(&self) -> Result<Plan> {
        let is_local = |end: &End| end.store().root().is_some();
        let depth = match self.options.incremental || is_local(&self.destination) {
            true => Depth::Files,
            false => Depth::Existence,
        };
        let (from, to) = tokio::try_join!(
            listing::list(&self.source, Depth::Files),
            listing::list(&self.destination, depth),
        )?;
        let from = side_of(&self.source, &from);
        let to = side_of(&self.destination, &to);
        let mut plan = plan::plan(&from, &to, &self.options)?;
        for file in std::mem::take(&mut plan.to_compare) {
            match verify::is_same(&self.source, &self.destination, &file).await? {
                true => plan.unchanged.push(file),
                false => plan.files.push(file),
            }
        }
        Ok(plan)
    }

    /// Does what the plan says. What an earlier try of the same copy has finished is not done again.
    ///
    /// # Errors
    /// The first that came up; other files may be complete by then, and none is half there.
    pub async fn perform(&self, plan: &Plan, progress: &Progress) -> Result<Outcome> {
        progress.expect(plan.files.len() as u64, plan.bytes());
        progress.skipped(plan.unchanged.len() as u64);
        let (log, state) = match &self.state {
            Some(folder) => Log::open(folder, &self.request())?,
            None => (Log::default(), State::default()),
        };
        let there = self.finished_before(&state).await?;
        let (done, missing): (Vec<&FileCopy>, Vec<&FileCopy>) = plan
            .files
            .iter()
            .partition(|file| is_finished(file, &state, &there));
        for file in done {
            progress.resumed(file.source.size);
            progress.finished_file();
        }
        let is_local = |end: &End| end.store().root().is_some();
        if is_local(&self.source) && is_local(&self.destination) {
            self.copy_on_this_machine(&missing, log, &state, progress)
                .await?;
        } else {
            self.copy_elsewhere(&missing, &log, &state, progress)
                .await?;
        }
        let counted = progress.snapshot();
        Ok(Outcome {
            files: counted.files,
            bytes: counted.bytes,
            skipped: counted.files_skipped,
            resumed_bytes: counted.bytes_resumed,
        })
    }

    /// The files of a plan as they are at the destination, with their paths on its store.
    ///
    /// # Errors
    /// When one is not there, and those of the store.
    pub async fn written(&self, plan: &Plan) -> Result<Vec<Entry>> {
        let listing = listing::list(&self.destination, Depth::Files).await?;
        let below = listing.below.into_iter().flatten();
        let mut there: HashMap<String, Item> = listing
            .file
            .into_iter()
            .chain(below)
            .map(|item| (item.name.clone(), item))
            .collect();
        let planned = plan.files.iter().chain(&plan.unchanged);
        let entries = planned.map(|file| match there.remove(&file.target) {
            Some(item) => Ok(Entry {
                path: self.destination.join(&item.name),
                size: item.size,
                etag: item.etag,
                modified_ms: item.modified_ms,
            }),
            None => Err(Error::Differs(self.destination.shown())),
        });
        let mut entries = entries.collect::<Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// Forgets the log of a copy that is complete.
    pub fn forget(&self) {
        if let Some(folder) = &self.state
            && let Ok((log, _)) = Log::open(folder, &self.request())
        {
            log.remove();
        }
    }

    /// Takes away the parts that a copy has left, and forgets its log.
    pub async fn discard(&self) {
        let Some(folder) = &self.state else {
            return;
        };
        let Ok((log, state)) = Log::open(folder, &self.request()) else {
            return;
        };
        for (target, begun) in &state.unfinished {
            self.discard_parts(target, begun).await;
        }
        log.remove();
    }

    async fn discard_parts(&self, target: &str, begun: &Unfinished) {
        let target = self.destination.join(target);
        match self.destination.local(&target) {
            // It may never have been made.
            Some(path) => drop(std::fs::remove_file(local::part_file(&path))),
            None => {
                let upload = Upload(begun.upload.clone());
                if let Err(error) = self.destination.store().abort(&target, &upload).await {
                    tracing::warn!(%error, "the parts of an upload stay at the store");
                }
            }
        }
    }

    /// What tells this copy from all others.
    fn request(&self) -> String {
        let text = format!(
            "{}\n{}\n{:?} {:?}",
            self.source.identity(),
            self.destination.identity(),
            self.options.source_type,
            self.options.destination_type
        );
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }

    /// The sizes of the files at the destination, when an earlier try has finished any.
    async fn finished_before(&self, state: &State) -> Result<HashMap<String, u64>> {
        if state.finished.is_empty() {
            return Ok(HashMap::new());
        }
        let listing = listing::list(&self.destination, Depth::Files).await?;
        let below = listing.below.into_iter().flatten();
        let all = listing.file.into_iter().chain(below);
        Ok(all.map(|item| (item.name, item.size)).collect())
    }

    async fn copy_elsewhere(
        &self,
        files: &[&FileCopy],
        log: &Log,
        state: &State,
        progress: &Progress,
    ) -> Result<()> {
        let cx = Context::new((&self.source, &self.destination), log, progress);
        let cx = &cx;
        let copied = stream::iter(files)
            .map(|file| async move {
                self.copy_file(cx, file, state.unfinished.get(&file.target))
                    .await?;
                log.write(&finished(file))?;
                progress.finished_file();
                Ok::<(), Error>(())
            })
            .buffer_unordered(FILES_AT_ONCE);
        copied.try_collect().await
    }

    async fn copy_file(
        &self,
        cx: &Context<'_>,
        file: &FileCopy,
        unfinished: Option<&Unfinished>,
    ) -> Result<()> {
        let is_within = self.source.is_same_store(&self.destination);
        let by_itself = is_within && file.source.size <= STORE_COPY_MAX;
        let digests = if by_itself && self.copy_within(file).await? {
            cx.progress.copied(file.source.size);
            None
        } else {
            Some(parts::copy(cx, file, unfinished).await?)
        };
        match self.options.checksum {
            true => verify::check(&self.source, &self.destination, file, digests.as_ref()).await,
            false => Ok(()),
        }
    }

    /// Lets the store copy by itself; whether it has. Not every store that speaks like another one
    /// copies as that does, and Azure answers before a large copy is complete: the size tells.
    async fn copy_within(&self, file: &FileCopy) -> Result<bool> {
        let store = self.destination.store();
        let entry = Entry {
            path: self.source.join(&file.source.name),
            size: file.source.size,
            etag: file.source.etag.clone(),
            modified_ms: file.source.modified_ms,
        };
        let target = self.destination.join(&file.target);
        if store.stat(&entry.path).await?.etag != entry.etag {
            return Err(Error::Changed(self.source.shown()));
        }
        store.copy_within(&entry, &target).await?;
        Ok(store.stat(&target).await?.size == entry.size)
    }

    async fn copy_on_this_machine(
        &self,
        files: &[&FileCopy],
        log: Log,
        state: &State,
        progress: &Progress,
    ) -> Result<()> {
        let jobs: Vec<LocalJob> = files
            .iter()
            .filter_map(|file| self.local_job(file))
            .collect();
        let begun = jobs
            .iter()
            .map(|job| state.unfinished.contains_key(&job.file.target));
        let work = Arc::new(LocalWork {
            resumed: begun.collect(),
            jobs,
            root: self
                .destination
                .refuses_links()
                .then(|| self.destination.local(""))
                .flatten(),
            next: AtomicUsize::new(0),
            is_stopped: AtomicBool::new(false),
            failure: Mutex::new(None),
            counted: Progress::default(),
            log,
        });
        let _stop = StopOnDrop(Arc::clone(&work));
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
        let threads = threads.min(THREADS_MAX).min(work.jobs.len().max(1));
        let mut running = Vec::with_capacity(threads);
        for _ in 0..threads {
            let work = Arc::clone(&work);
            running.push(tokio::task::spawn_blocking(move || work.run()));
        }
        let ended = async {
            for thread in running {
                thread.await.map_err(|_| Error::Interrupted)?;
            }
            Ok::<(), Error>(())
        };
        work.follow(ended, progress).await?;
        let failed = work
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(error) = failed {
            return Err(error);
        }
        if self.options.checksum {
            for job in &work.jobs {
                verify::check(&self.source, &self.destination, &job.file, None).await?;
            }
        }
        Ok(())
    }

    fn local_job(&self, file: &FileCopy) -> Option<LocalJob> {
        Some(LocalJob {
            from: self.source.local(&self.source.join(&file.source.name))?,
            to: self
                .destination
                .local(&self.destination.join(&file.target))?,
            file: file.clone(),
        })
    }
}

fn side_of<'a>(end: &'a End, listing: &'a Listing) -> Side<'a> {
    Side {
        shown: end.shown(),
        identity: end.identity(),
        path: end.path(),
        is_local: end.store().root().is_some(),
        listing,
    }
}

fn is_finished(file: &FileCopy, state: &State, there: &HashMap<String, u64>) -> bool {
    state.finished.get(&file.target) == Some(&file.source.etag)
        && there.get(&file.target) == Some(&file.source.size)
}

fn finished(file: &FileCopy) -> Line {
    Line::Finished {
        target: file.target.clone(),
        etag: file.source.etag.clone(),
    }
}

/// A file of this machine to copy.
#[derive(Debug)]
struct LocalJob {
    from: Utf8PathBuf,
    to: Utf8PathBuf,
    file: FileCopy,
}

/// What several threads copy.
#[derive(Debug)]
struct LocalWork {
    jobs: Vec<LocalJob>,
    /// Whether an earlier try has begun each.
    resumed: Vec<bool>,
    root: Option<Utf8PathBuf>,
    next: AtomicUsize,
    is_stopped: AtomicBool,
    failure: Mutex<Option<Error>>,
    counted: Progress,
    log: Log,
}

/// The threads see that nobody waits for them any more.
struct StopOnDrop(Arc<LocalWork>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl LocalWork {
    fn run(&self) {
        // Files come sorted, so most find their folder made by the one before.
        let mut folder = None;
        while !self.is_stopped.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(index) else {
                return;
            };
            let made = match job.to.parent() == folder {
                true => Ok(()),
                false => local::make_parent(&job.to, self.root.as_deref()),
            };
            folder = job.to.parent();
            if let Err(error) = made.and_then(|()| self.copy(job, self.resumed[index])) {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
                self.is_stopped.store(true, Ordering::Relaxed);
            }
        }
    }

    fn copy(&self, job: &LocalJob, is_resumed: bool) -> Result<()> {
        let size = job.file.source.size;
        if size < local::LARGE {
            local::copy_small(&job.from, &job.to, job.file.replaces.is_none())?;
            self.counted.copied(size);
        } else {
            self.copy_large(job, is_resumed)?;
        }
        check_unchanged(&job.from, &job.file.source)?;
        self.log.write(&finished(&job.file))?;
        self.counted.finished_file();
        Ok(())
    }

    fn copy_large(&self, job: &LocalJob, is_resumed: bool) -> Result<()> {
        let from = local::open_in_order(&job.from)?;
        let part = local::part_file(&job.to);
        if !is_resumed {
            local::remove_part(&part)?;
        }
        let mut to = local::open_part(&part)?;
        let failed = |error: std::io::Error| Error::file("write", &job.to, &error);
        if !is_resumed {
            self.log.write(&Line::Begun {
                target: job.file.target.clone(),
                etag: job.file.source.etag.clone(),
                part_bytes: local::CHUNK,
                upload: String::new(),
            })?;
        }
        let size = job.file.source.size;
        let written = to.metadata().map_err(failed)?.len();
        if written > size {
            to.set_len(size).map_err(failed)?;
        }
        let there = written.min(size);
        if there == 0 && local::clone(&from, &to) {
            self.counted.copied(size);
        } else {
            let copied = self.copy_chunks(&from, &mut to, size, there);
            copied.map_err(|error| {
                if error.kind() == std::io::ErrorKind::StorageFull {
                    // It would only keep the disk full.
                    drop(std::fs::remove_file(&part));
                }
                failed(error)
            })?;
        }
        let about = from.metadata().map_err(failed)?;
        local::keep_attributes(&about, &to).map_err(failed)?;
        local::give_name(&part, &job.to)
    }

    fn copy_chunks(
        &self,
        from: &std::fs::File,
        to: &mut std::fs::File,
        size: u64,
        there: u64,
    ) -> std::io::Result<()> {
        for start in (0..size).step_by(usize::try_from(local::CHUNK).unwrap_or(1)) {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let range = start..size.min(start + local::CHUNK);
            let length = range.end - range.start;
            if range.end <= there && local::is_same(from, to, range.clone())? {
                self.counted.resumed(length);
                continue;
            }
            local::copy_range(from, to, range)?;
            self.counted.copied(length);
        }
        Ok(())
    }

    /// Passes the counts on while the threads work.
    async fn follow(
        &self,
        ended: impl Future<Output = Result<()>>,
        progress: &Progress,
    ) -> Result<()> {
        let mut ended = std::pin::pin!(ended);
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
        loop {
            let done = tokio::select! {
                done = &mut ended => Some(done),
                _ = ticks.tick() => None,
            };
            progress.take_from(&self.counted);
            if let Some(done) = done {
                return done;
            }
        }
    }
}

fn check_unchanged(path: &Utf8Path, item: &Item) -> Result<()> {
    let about = std::fs::metadata(path).map_err(|error| Error::file("read", path, &error))?;
    match listing::local_item(String::new(), &about).etag == item.etag {
        true => Ok(()),
        false => Err(Error::Changed(format!("`{path}`"))),
    }
}
