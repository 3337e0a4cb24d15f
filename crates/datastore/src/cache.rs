//! What was fetched from datastores, kept up to a bound.
//!
//! A file is named by where it comes from, its path, size and etag, so an object that has not
//! changed is fetched once. Whoever reads one is given a link of its own, and what is linked
//! elsewhere is not thrown away. When a new file would go beyond the bound, or finds no space on the
//! disk, those that nobody has used for longest go first. One larger than the bound is fetched all
//! the same, and goes with the next.
//!
//! Invariants: a file under its name is whole; one that somebody has written to is fetched anew,
//! as its time of modification is no longer that of the object.

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use crate::transfer::{self, Lanes, Progress};
use crate::{Datastore, Entry, Error, Result};

/// How large the cache may grow unless its limit is set.
pub const BYTES_MAX: u64 = 20 << 30;

/// How often a file that vanished between being fetched and being linked is fetched again.
const TRIES: usize = 3;

/// The beginning of the name of a file that is being fetched.
const PART: &str = ".part-";

/// The cache of a data folder.
#[derive(Debug)]
pub struct Cache {
    folder: Utf8PathBuf,
    bytes_max: u64,
    /// What is in it, as far as this process knows; counted anew whenever room is made.
    bytes: AtomicU64,
    parts: AtomicU64,
    /// Who fetches what right now, so that two who want the same wait for one.
    flights: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Cache {
    /// Opens the cache; what a killed server was fetching is thrown away.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: &Utf8Path, bytes_max: u64) -> Result<Self> {
        fs_err::create_dir_all(folder)?;
        let mut bytes = 0;
        for file in folder.read_dir_utf8()? {
            let file = file?;
            if file.file_name().starts_with(PART) {
                fs_err::remove_file(file.path())?;
            } else {
                bytes += file.metadata()?.len();
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            bytes_max,
            bytes: AtomicU64::new(bytes),
            parts: AtomicU64::default(),
            flights: Mutex::default(),
        })
    }

    /// Makes `target` a link to the content of an entry, which is fetched if it is not here. The
    /// link is not to be written to.
    ///
    /// # Errors
    /// When it cannot be fetched, is no longer what was listed, or the disk refuses.
    pub async fn link(
        &self,
        store: &Datastore,
        entry: &Entry,
        target: &Utf8Path,
        lanes: &Lanes,
        progress: &Progress,
    ) -> Result<()> {
        let id = id(store, entry);
        for _ in 0..TRIES {
            let kept = self.fetch(store, entry, &id, lanes, progress).await?;
            match std::fs::hard_link(&kept, target) {
                // Thrown away in between, to make room for another.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !kept.exists() => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    fs_err::remove_file(target)?;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::CrossesDevices | std::io::ErrorKind::TooManyLinks
                    ) =>
                {
                    return Ok(fs_err::copy(&kept, target).map(drop)?);
                }
                linked => {
                    return linked.map_err(|error| Error::File {
                        kind: error.kind(),
                        text: format!("failed to link `{target}`: {error}"),
                    });
                }
            }
        }
        Err(Error::File {
            kind: std::io::ErrorKind::StorageFull,
            text: format!(
                "`{}` is thrown out of the cache as often as it is fetched; the cache is too small",
                entry.path
            ),
        })
    }

    async fn fetch(
        &self,
        store: &Datastore,
        entry: &Entry,
        id: &str,
        lanes: &Lanes,
        progress: &Progress,
    ) -> Result<Utf8PathBuf> {
        let place = self.folder.join(id);
        let flight = self.flight(id);
        let guard = flight.lock().await;
        let fetched = if is_kept(&place, entry) {
            touch(&place);
            progress.moved(entry.size);
            progress.finished_file();
            Ok(())
        } else {
            self.fetch_anew(store, entry, &place, lanes, progress).await
        };
        drop(guard);
        drop(flight);
        self.flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, flight| Arc::strong_count(flight) > 1);
        fetched.map(|()| place)
    }

    async fn fetch_anew(
        &self,
        store: &Datastore,
        entry: &Entry,
        place: &Utf8Path,
        lanes: &Lanes,
        progress: &Progress,
    ) -> Result<()> {
        if let Ok(stale) = std::fs::metadata(place) {
            fs_err::remove_file(place)?;
            self.bytes.fetch_sub(stale.len(), Ordering::Relaxed);
        }
        self.keep_bound(entry.size)?;
        let mut kept = self.fetch_once(store, entry, place, lanes, progress).await;
        if kept.as_ref().is_err_and(Error::is_full_disk) && self.free(entry.size)? {
            kept = self.fetch_once(store, entry, place, lanes, progress).await;
        }
        kept
    }

    async fn fetch_once(
        &self,
        store: &Datastore,
        entry: &Entry,
        place: &Utf8Path,
        lanes: &Lanes,
        progress: &Progress,
    ) -> Result<()> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let part = format!("{PART}{}-{number}", std::process::id());
        let part = Part(self.folder.join(part));
        transfer::download(store, entry, &part.0, lanes, progress).await?;
        part.keep(place, entry)?;
        self.bytes.fetch_add(entry.size, Ordering::Relaxed);
        Ok(())
    }

    fn flight(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(id.to_owned()).or_default())
    }

    /// Sees that so many more bytes fit below the bound, if that can be.
    fn keep_bound(&self, bytes: u64) -> Result<()> {
        let fits = |total: u64| total.saturating_add(bytes) <= self.bytes_max;
        if fits(self.bytes.load(Ordering::Relaxed)) {
            return Ok(());
        }
        self.throw_away(|total, _| fits(total)).map(drop)
    }

    /// Frees so many bytes of the disk, or as many as can be; false when there were none.
    fn free(&self, bytes: u64) -> Result<bool> {
        self.throw_away(|_, freed| freed >= bytes)
            .map(|freed| freed > 0)
    }

    /// Throws away what was not used for longest until `enough` holds of the bytes that are left
    /// and of those that were freed; how many were.
    fn throw_away(&self, enough: impl Fn(u64, u64) -> bool) -> Result<u64> {
        let mut unused = Vec::new();
        let (mut total, mut freed) = (0, 0);
        for file in self.folder.read_dir_utf8()? {
            let file = file?;
            let Ok(about) = file.metadata() else { continue };
            if file.file_name().starts_with(PART) {
                continue;
            }
            total += about.len();
            // What is linked elsewhere is in use, and removing it would free nothing.
            if about.nlink() == 1 {
                let used = (about.atime(), about.atime_nsec());
                unused.push((used, about.len(), file.into_path()));
            }
        }
        unused.sort();
        for (_, size, path) in unused {
            if enough(total, freed) {
                break;
            }
            fs_err::remove_file(path)?;
            total -= size;
            freed += size;
        }
        self.bytes.store(total, Ordering::Relaxed);
        Ok(freed)
    }
}

/// The name of the content of an entry.
fn id(store: &Datastore, entry: &Entry) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [store.identity(), &entry.path, &entry.etag] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&entry.size.to_le_bytes());
    hasher.finalize().to_hex().to_string()
}

/// When the object was written; what the kept file's time is set to.
fn written(entry: &Entry) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(entry.modified_ms).unwrap_or_default())
}

fn is_kept(place: &Utf8Path, entry: &Entry) -> bool {
    std::fs::metadata(place).is_ok_and(|about| {
        about.len() == entry.size && about.modified().is_ok_and(|at| at == written(entry))
    })
}

/// A file that is being fetched; it goes if it is not kept, also when nobody waits for it any more.
struct Part(Utf8PathBuf);

impl Part {
    /// Gives it its name.
    fn keep(&self, place: &Utf8Path, entry: &Entry) -> std::io::Result<()> {
        let file = std::fs::OpenOptions::new().write(true).open(&self.0)?;
        let times = std::fs::FileTimes::new()
            .set_accessed(SystemTime::now())
            .set_modified(written(entry));
        file.set_times(times)?;
        drop(file);
        fs_err::set_permissions(&self.0, std::fs::Permissions::from_mode(0o444))?;
        fs_err::rename(&self.0, place)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// Notes that it was used. Only the order of throwing away depends on it.
fn touch(place: &Utf8Path) {
    if let Ok(file) = std::fs::File::open(place) {
        let times = std::fs::FileTimes::new().set_accessed(SystemTime::now());
        drop(file.set_times(times));
    }
}
