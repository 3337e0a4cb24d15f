//! What is at an end: the file of that path, and the files below it.
//!
//! On this machine links are followed, and a link that leads to one of its own parents is an error.
//! A link of a datastore that leads outside of it is not followed: what is listed is what a request
//! could read. Only regular files are listed, and none that is not complete yet.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::INCOMING_PREFIX;
use stepwell_datastore::Entry;
use tokio::task::spawn_blocking;

use crate::{End, Error, Result};

/// A file as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name relative to the end; empty for the end itself.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What changes whenever its content does.
    pub etag: String,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// What is at an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The file of that path.
    pub file: Option<Item>,
    /// The files below, sorted by name; nothing when there is no such folder.
    pub below: Option<Vec<Item>>,
}

/// How much has to be known of the files below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every file.
    Files,
    /// Whether there are any. On this machine every file is listed all the same.
    Existence,
}

/// Lists an end.
///
/// # Errors
/// When it cannot be read. That nothing is there is no error.
pub async fn list(end: &End, depth: Depth) -> Result<Listing> {
    if let Some(path) = end.local(end.path()) {
        let root = end.refuses_links().then(|| end.local("")).flatten();
        let listed = spawn_blocking(move || Walk::list(&path, root.as_deref())).await;
        return listed.map_err(|_| Error::Interrupted)?;
    }
    let store = end.store();
    let file = match end.path() {
        "" => None,
        path => match store.stat(path).await {
            Ok(entry) => Some(item(&entry, path)),
            Err(error) if error.is_absent() => None,
            Err(error) => return Err(error.into()),
        },
    };
    let below = match depth {
        Depth::Files => store.below(end.path()).await?,
        Depth::Existence => store.first_below(end.path()).await?.into_iter().collect(),
    };
    let below: Vec<Item> = below.iter().map(|entry| item(entry, end.path())).collect();
    let is_folder = !below.is_empty() || end.path().is_empty();
    // A data lake has folders of their own, which answer like empty files.
    let file = file.filter(|file| !(is_folder && file.size == 0 && !below.is_empty()));
    Ok(Listing {
        file,
        below: is_folder.then_some(below),
    })
}

fn item(entry: &Entry, root: &str) -> Item {
    let name = entry.path.strip_prefix(root).unwrap_or(&entry.path);
    Item {
        name: name.trim_start_matches('/').to_owned(),
        size: entry.size,
        etag: entry.etag.clone(),
        modified_ms: entry.modified_ms,
    }
}

/// What is known of a file of this machine.
pub(crate) fn local_item(name: String, about: &std::fs::Metadata) -> Item {
    use std::os::unix::fs::MetadataExt as _;
    let (seconds, nanos) = (about.mtime(), about.mtime_nsec());
    Item {
        name,
        size: about.len(),
        etag: format!("{:x}-{:x}-{seconds:x}.{nanos:x}", about.ino(), about.len()),
        modified_ms: seconds * 1000 + nanos / 1_000_000,
    }
}

/// A folder on its way to a listing.
struct Walk {
    found: Vec<Item>,
    folders: Vec<(Utf8PathBuf, String)>,
    /// The root of the datastore, without links; nothing for a plain path.
    root: Option<Utf8PathBuf>,
}

impl Walk {
    fn list(path: &Utf8Path, root: Option<&Utf8Path>) -> Result<Listing> {
        let about = match std::fs::metadata(path) {
            Ok(about) => about,
            Err(error) if is_absent(&error) => return Ok(Listing::default()),
            Err(error) => return Err(Error::file("read", path, &error)),
        };
        let real = |path: &Utf8Path| {
            let real = path.canonicalize_utf8();
            real.map_err(|error| Error::file("read", path, &error))
        };
        let mut walk = Self {
            found: Vec::new(),
            folders: vec![(path.to_owned(), String::new())],
            root: root.map(real).transpose()?,
        };
        if !walk.is_inside(path)? {
            let error = std::io::Error::other("a link on the way to it leads outside");
            return Err(Error::file("read", path, &error));
        }
        if !about.is_dir() {
            let file = about.is_file().then(|| local_item(String::new(), &about));
            return Ok(Listing { file, below: None });
        }
        while let Some((folder, prefix)) = walk.folders.pop() {
            walk.enter(&folder, &prefix)?;
        }
        walk.found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Listing {
            file: None,
            below: Some(walk.found),
        })
    }

    /// Whether a path is within the datastore once its links are followed.
    fn is_inside(&self, path: &Utf8Path) -> Result<bool> {
        let Some(root) = &self.root else {
            return Ok(true);
        };
        let real = path.canonicalize_utf8();
        let real = real.map_err(|error| Error::file("follow", path, &error))?;
        Ok(real.starts_with(root))
    }

    fn enter(&mut self, folder: &Utf8Path, prefix: &str) -> Result<()> {
        let failed = |error: std::io::Error| Error::file("list", folder, &error);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = Utf8PathBuf::try_from(entry.path()).map_err(|error| {
                Error::Name(error.into_path_buf().to_string_lossy().into_owned())
            })?;
            let name = path.file_name().unwrap_or_default();
            if name.starts_with(INCOMING_PREFIX) {
                continue;
            }
            let below = match prefix {
                "" => name.to_owned(),
                prefix => format!("{prefix}/{name}"),
            };
            let is_link = entry.file_type().map_err(failed)?.is_symlink();
            if is_link && !self.is_inside(&path)? {
                continue;
            }
            let about = match is_link {
                true => std::fs::metadata(&path),
                false => entry.metadata(),
            };
            let about = about.map_err(|error| Error::file("read", &path, &error))?;
            if about.is_dir() {
                if is_link {
                    refuse_loop(&path)?;
                }
                self.folders.push((path, below));
            } else if about.is_file() {
                self.found.push(local_item(below, &about));
            }
        }
        Ok(())
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// A link to one of its own parents would be followed for ever.
fn refuse_loop(link: &Utf8Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::file("follow", link, &error);
    let target = link.canonicalize_utf8().map_err(failed)?;
    let folder = link.parent().unwrap_or(link);
    let folder = folder.canonicalize_utf8().map_err(failed)?;
    match folder.starts_with(&target) {
        true => Err(Error::Loop(link.to_owned())),
        false => Ok(()),
    }
}
