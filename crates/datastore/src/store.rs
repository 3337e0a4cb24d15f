//! One datastore: list, look, read, write, delete, on any kind of place.

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::TryStreamExt as _;
use object_store::client::HttpError;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use stepwell_model::in_words;

use crate::definition::Place;
use crate::open::{self, NotMade, Revealed};
use crate::secret::Scrubber;
use crate::{Credentials, Error, Result, limits};

/// A file of a datastore as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the datastore's root, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What changes whenever its content does.
    pub etag: String,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl Entry {
    pub(crate) fn of(meta: ObjectMeta) -> Self {
        let modified_ms = meta.last_modified.timestamp_millis();
        let etag = meta.e_tag.map(|etag| etag.trim_matches('"').to_owned());
        Self {
            path: meta.location.to_string(),
            size: meta.size,
            etag: etag.unwrap_or_else(|| format!("{}-{modified_ms}", meta.size)),
            modified_ms,
        }
    }
}

/// A datastore under its name.
#[derive(Debug)]
pub struct Datastore {
    name: String,
    place: Place,
    credentials: Credentials,
    identity: String,
    /// Why it cannot be opened at all.
    shut: Option<Error>,
    /// Made when it is first needed, so that a missing variable stops nobody from starting.
    client: Mutex<Option<Arc<Client>>>,
}

pub(crate) struct Client {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same store part by part; folders of this machine have no such uploads.
    pub(crate) parts: Option<Arc<dyn MultipartStore>>,
    scrubber: Scrubber,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Client({})", self.store)
    }
}

impl Datastore {
    /// Describes a datastore; nothing is opened.
    #[must_use]
    pub fn new(name: impl Into<String>, place: Place, credentials: Credentials) -> Self {
        let identity = serde_json::to_string(&place).unwrap_or_default();
        Self {
            name: name.into(),
            place,
            credentials,
            identity,
            shut: None,
            client: Mutex::default(),
        }
    }

    /// A datastore whose credentials cannot be opened: it is there, and says so when it is used.
    #[must_use]
    pub fn shut(name: impl Into<String>, place: Place, error: Error) -> Self {
        Self {
            shut: Some(error),
            ..Self::new(name, place, Credentials::new())
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its files are.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Its folder, when it is one of this machine.
    #[must_use]
    pub const fn root(&self) -> Option<&Utf8PathBuf> {
        self.place.root()
    }

    /// What tells its files from those of every other place, whatever it is named.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether it is the same place, opened by the same credentials.
    #[must_use]
    pub fn equals(&self, place: &Place, credentials: &Credentials) -> bool {
        self.shut.is_none() && self.place == *place && self.credentials == *credentials
    }

    /// Which credentials it has, and for each whether it is stored or in which variable it is.
    #[must_use]
    pub fn credentials_shown(&self) -> BTreeMap<String, String> {
        let shown = |secret: &crate::Secret| match secret.variable() {
            Some(variable) => format!("env:{variable}"),
            None => "stored".to_owned(),
        };
        let each = self.credentials.iter();
        each.map(|(name, secret)| (name.clone(), shown(secret)))
            .collect()
    }

    /// The credentials themselves, by name; those kept by reference as the environment has them.
    ///
    /// For whoever opens the datastore in another process. They must reach no file and no log.
    ///
    /// # Errors
    /// When they cannot be opened, or a variable is not set.
    pub fn lend(&self) -> Result<BTreeMap<String, String>> {
        let (secrets, _) = self.reveal()?;
        Ok(secrets.into_iter().collect())
    }

    /// Makes sure that the container is there and the credentials open it.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn check(&self) -> Result<()> {
        if self.place.is_database() {
            // The drivers are in a program of their own, which is started for a copy.
            return self.reveal().map(drop);
        }
        let client = self.client()?;
        let mut listed = client.store.list(None);
        match tokio::time::timeout(limits::CHECK, listed.try_next()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.fault(&client, error, &Asked::Container)),
            Err(_) => Err(Error::Unreachable {
                datastore: self.name.clone(),
                detail: format!("no answer within {} s", limits::CHECK.as_secs()),
            }),
        }
    }

    /// Makes the container, unless it is there.
    ///
    /// # Errors
    /// When the far side refuses.
    pub async fn create_container(&self) -> Result<()> {
        let (secrets, scrubber) = self.reveal()?;
        open::create_container(&self.place, &secrets)
            .await
            .map_err(|fault| {
                let datastore = self.name.clone();
                let clean = |text: String| shortened(&scrubber.clean(&text));
                match fault {
                    NotMade::Unanswered(text) => Error::Unreachable {
                        datastore,
                        detail: clean(text),
                    },
                    NotMade::Refused(text) => Error::Refused {
                        datastore,
                        detail: clean(text),
                    },
                }
            })
    }

    /// The files that a path stands for, sorted: those below it, or the one that it names.
    ///
    /// # Errors
    /// When it stands for none, and those of the far side.
    pub async fn files(&self, path: &str) -> Result<Vec<Entry>> {
        let below = self.below(path).await?;
        if !below.is_empty() || path.trim_matches('/').is_empty() {
            return Ok(below);
        }
        Ok(vec![self.stat(path).await?])
    }

    /// The files below a folder, sorted; none when there is no such folder.
    ///
    /// # Errors
    /// Those of the far side, and when there are more than a million.
    pub async fn below(&self, folder: &str) -> Result<Vec<Entry>> {
        let prefix = match folder.trim_matches('/') {
            "" => None,
            folder => Some(self.path(folder)?),
        };
        self.refuse_outside(folder)?;
        let client = self.client()?;
        let fault = |error| self.fault(&client, error, &Asked::Container);
        let mut stream = client.store.list(prefix.as_ref());
        let mut found = Vec::new();
        while let Some(meta) = stream.try_next().await.map_err(fault)? {
            if found.len() >= limits::FILES_MAX {
                return Err(Error::TooMany {
                    datastore: self.name.clone(),
                    path: folder.to_owned(),
                    limit: limits::FILES_MAX,
                });
            }
            found.push(Entry::of(meta));
        }
        drop_folder_marks(&mut found);
        self.keep_inside(&mut found);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// One of the files below a folder, if there is any.
    ///
    /// # Errors
    /// Those of the far side.
    pub async fn first_below(&self, folder: &str) -> Result<Option<Entry>> {
        let prefix = match folder.trim_matches('/') {
            "" => None,
            folder => Some(self.path(folder)?),
        };
        let client = self.client()?;
        let first = client.store.list(prefix.as_ref()).try_next().await;
        first
            .map(|meta| meta.map(Entry::of))
            .map_err(|error| self.fault(&client, error, &Asked::Container))
    }

    /// What is known of one file.
    ///
    /// # Errors
    /// When it is not there, and those of the far side.
    pub async fn stat(&self, path: &str) -> Result<Entry> {
        let place = self.path(path)?;
        self.refuse_outside(path)?;
        let client = self.client()?;
        let found = client.store.head(&place).await;
        found
            .map(Entry::of)
            .map_err(|error| self.fault(&client, error, &Asked::File(path)))
    }

    /// A part of a file that must still be what it was when it was listed.
    ///
    /// # Errors
    /// When it has changed or gone, and those of the far side.
    pub async fn part(&self, entry: &Entry, range: std::ops::Range<u64>) -> Result<Bytes> {
        let place = self.path(&entry.path)?;
        self.refuse_outside(&entry.path)?;
        let client = self.client()?;
        let asked = Asked::File(&entry.path);
        let length = range.end - range.start;
        let options = GetOptions {
            // An empty file has no range that could be asked for.
            range: (entry.size > 0).then_some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let fault = |error| self.fault(&client, error, &asked);
        let got = client
            .store
            .get_opts(&place, options)
            .await
            .map_err(fault)?;
        let same = Entry::of(got.meta.clone()).etag == entry.etag;
        let bytes = got.bytes().await.map_err(fault)?;
        if !same || bytes.len() as u64 != length {
            return Err(Error::Changed {
                datastore: self.name.clone(),
                path: entry.path.clone(),
            });
        }
        Ok(bytes)
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// Those of the far side.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let place = self.path(path)?;
        self.refuse_links(path)?;
        let client = self.client()?;
        match client.store.delete(&place).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.fault(&client, error, &Asked::File(path))),
        }
    }

    /// The client, made when it is first needed.
    pub(crate) fn client(&self) -> Result<Arc<Client>> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.as_ref() {
            return Ok(Arc::clone(client));
        }
        if self.place.is_database() {
            return Err(Error::NoFiles {
                datastore: self.name.clone(),
            });
        }
        let (secrets, scrubber) = self.reveal()?;
        let opened = match open::open(&self.place, &secrets) {
            Ok(opened) => opened,
            Err(error) => {
                return Err(match self.fault_of(&scrubber, error, &Asked::Container) {
                    // Nobody else was asked: it is what it was registered with.
                    Error::Refused { datastore, detail } => Error::Definition {
                        datastore,
                        fault: plain(&detail),
                    },
                    fault => fault,
                });
            }
        };
        let client = Arc::new(Client {
            store: opened.store,
            parts: opened.parts,
            scrubber,
        });
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }

    fn reveal(&self) -> Result<(Revealed, Scrubber)> {
        if let Some(error) = &self.shut {
            return Err(error.clone());
        }
        let (mut secrets, mut scrubber) = (Revealed::new(), Scrubber::default());
        for (name, secret) in &self.credentials {
            let text = secret.reveal().map_err(|fault| Error::Definition {
                datastore: self.name.clone(),
                fault: format!("`{name}` cannot be had: {fault}"),
            })?;
            scrubber.learn(&text);
            secrets.insert(name.clone(), text);
        }
        Ok((secrets, scrubber))
    }

    /// A path as the object store has it.
    pub(crate) fn path(&self, path: &str) -> Result<Path> {
        let plain = path.trim_matches('/');
        let refuse = |fault: String| Error::Path {
            datastore: self.name.clone(),
            path: path.to_owned(),
            fault,
        };
        if plain.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        Path::parse(plain).map_err(|error| refuse(error.to_string()))
    }

    pub(crate) fn fault(
        &self,
        client: &Client,
        error: object_store::Error,
        asked: &Asked<'_>,
    ) -> Error {
        self.fault_of(&client.scrubber, error, asked)
    }

    fn fault_of(
        &self,
        scrubber: &Scrubber,
        error: object_store::Error,
        asked: &Asked<'_>,
    ) -> Error {
        use object_store::Error as Theirs;
        let datastore = self.name.clone();
        let text = shortened(&scrubber.clean(&in_words(&error)));
        let no_container = ["ContainerNotFound", "NoSuchBucket", "FilesystemNotFound"]
            .iter()
            .any(|code| text.contains(code));
        // Refused listings come without a kind of their own.
        let is_denied = ["401 Unauthorized", "403 Forbidden"]
            .iter()
            .any(|status| text.contains(status));
        match (error, asked) {
            (Theirs::NotFound { .. }, Asked::File(path)) if !no_container => Error::Absent {
                datastore,
                path: (*path).to_owned(),
            },
            (Theirs::Precondition { path, .. }, _) => Error::Changed { datastore, path },
            (Theirs::NotFound { .. }, _) => self.no_container(),
            (Theirs::PermissionDenied { .. } | Theirs::Unauthenticated { .. }, _) => {
                Error::Denied {
                    datastore,
                    detail: text,
                }
            }
            _ if no_container => self.no_container(),
            _ if is_denied => Error::Denied {
                datastore,
                detail: text,
            },
            (error, _) => self.fault_by_cause(&error, text, asked),
        }
    }

    fn no_container(&self) -> Error {
        Error::NoContainer {
            datastore: self.name.clone(),
            container: self.place.container(),
        }
    }

    /// The fault of a request that was neither refused nor about something that is not there.
    fn fault_by_cause(
        &self,
        error: &object_store::Error,
        text: String,
        asked: &Asked<'_>,
    ) -> Error {
        let datastore = self.name.clone();
        match cause_of(error) {
            Cause::Network => Error::Unreachable {
                datastore,
                detail: text,
            },
            // What cannot be the name of a file here is the client's mistake, not the disk's.
            Cause::File(
                kind @ (ErrorKind::InvalidFilename
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::DirectoryNotEmpty),
            ) => Error::Path {
                datastore,
                path: match asked {
                    Asked::File(path) => (*path).to_owned(),
                    Asked::Container => String::new(),
                },
                fault: kind.to_string(),
            },
            Cause::File(kind) => Error::File {
                kind,
                text: format!("datastore `{datastore}`: {text}"),
            },
            Cause::Other => Error::Refused {
                datastore,
                detail: text,
            },
        }
    }
}

/// What a request was about.
pub(crate) enum Asked<'a> {
    /// The container as a whole.
    Container,
    /// One file.
    File(&'a str),
}

enum Cause {
    Network,
    File(std::io::ErrorKind),
    Other,
}

fn cause_of(error: &object_store::Error) -> Cause {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<HttpError>() {
            return Cause::Network;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Cause::File(error.kind());
        }
        next = error.source();
    }
    Cause::Other
}

/// One line, and no longer than a person reads.
fn shortened(text: &str) -> String {
    const CHARS: usize = 400;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Some stores list a folder as an empty file beside what is in it.
fn drop_folder_marks(found: &mut Vec<Entry>) {
    if found.iter().all(|entry| entry.size > 0) {
        return;
    }
    let folders: HashSet<String> = found
        .iter()
        .flat_map(|entry| Utf8Path::new(&entry.path).ancestors().skip(1))
        .map(|folder| folder.to_string())
        .collect();
    found.retain(|entry| entry.size > 0 || !folders.contains(&entry.path));
}

/// What the library says of a definition that cannot be used, without its own terms.
fn plain(detail: &str) -> String {
    if detail.contains("Invalid Access Key") {
        return "its account key is no key: that is a base64 text, such as the portal shows"
            .to_owned();
    }
    let after = detail
        .strip_prefix("Generic ")
        .and_then(|rest| rest.split_once(" error: "));
    after.map_or(detail, |(_, rest)| rest).to_owned()
}
