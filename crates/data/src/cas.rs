//! The content-addressed store: objects named by the BLAKE3 digest of their bytes.
//!
//! An object lies at `<root>/ab/cdef…`: two digits of its digest, then the other 62. Files are
//! read-only and never executable; names and modes belong to manifests. Anything being written
//! lies in `<root>/tmp` and is renamed into place when it is complete, so an object is either
//! whole or not there. What a killed writer leaves in `tmp` is never looked at again.
//!
//! Objects are not synced one by one: a thousand small files would cost seconds. An object
//! matters only once something durable refers to it, so whoever records such a reference calls
//! [`Cas::sync`] once before. A power cut before that may leave objects without their content;
//! as file systems do it they are then *empty*, and an empty file under a name that is not the
//! empty digest counts as absent and is replaced when the content comes again.
//!
//! Objects are removed when nobody refers to them ([`Cas::remove`]). Whoever stores an object may
//! find it there already and refer to it a moment later, so it is touched then: an object that was
//! wanted within [`FRESH`] is never removed.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::Digest;
use tempfile::NamedTempFile;

use crate::hash::{self, CopyFault};
use crate::{Error, Result};

/// How long an object stays after it was stored or found there, even if nobody refers to it.
pub const FRESH: Duration = Duration::from_secs(24 * 3_600);

/// How old the last touch may be before an object that is found is touched again. It is what an
/// object that is stored again and again costs.
const TOUCH_AFTER: Duration = Duration::from_secs(3_600);

/// The beginning of the name of an object that is being removed.
const GONE: &str = "gone-";

/// What became of an object that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone, and so many bytes with it.
    Removed(u64),
    /// Somebody wanted it meanwhile, or it was gone already.
    Left,
}

/// A store of objects in a folder. Any number of processes may use one at a time.
#[derive(Debug, Clone)]
pub struct Cas {
    root: Utf8PathBuf,
    aside: Utf8PathBuf,
}

impl Cas {
    /// Opens the store in `root`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn open(root: &Utf8Path) -> Result<Self> {
        // Three letters: no folder of objects can have this name.
        let aside = root.join("tmp");
        fs_err::create_dir_all(&aside)?;
        Ok(Self {
            root: root.to_owned(),
            aside,
        })
    }

    /// Where the object lies, or would lie.
    #[must_use]
    pub fn path_of(&self, digest: &Digest) -> Utf8PathBuf {
        let digits = digest.to_string();
        let (folder, name) = digits.split_at(2);
        self.root.join(folder).join(name)
    }

    /// Whether the object is there.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        fs_err::metadata(self.path_of(digest)).is_ok_and(|about| is_object(&about, digest))
    }

    /// Those of `digests` that are not there, in the order given. The others are wanted.
    #[must_use]
    pub fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        digests
            .iter()
            .filter(|digest| !self.want(digest))
            .copied()
            .collect()
    }

    /// Whether the object is there, and stays for as long as a fresh one does.
    fn want(&self, digest: &Digest) -> bool {
        let path = self.path_of(digest);
        let about = fs_err::metadata(&path).ok();
        let Some(about) = about.filter(|about| is_object(about, digest)) else {
            return false;
        };
        if is_younger(&about, TOUCH_AFTER) {
            return true;
        }
        let now = std::fs::FileTimes::new().set_modified(SystemTime::now());
        // Opened for reading: objects are read-only. If it is gone by now, it has to be stored.
        fs_err::File::open(&path).is_ok_and(|file| file.file().set_times(now).is_ok())
            && self.has(digest)
    }

    /// Every object, with its size and whether it is fresh; not in any order.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn list(&self) -> Result<Vec<(Digest, u64, bool)>> {
        let mut found = Vec::new();
        for folder in self.root.read_dir_utf8()? {
            let folder = folder?;
            if folder.file_name().len() != 2 || !folder.file_type()?.is_dir() {
                continue;
            }
            for object in folder.path().read_dir_utf8()? {
                let object = object?;
                let name = format!("{}{}", folder.file_name(), object.file_name());
                let (Ok(digest), Ok(about)) = (name.parse(), object.metadata()) else {
                    continue;
                };
                found.push((digest, about.blocks() * 512, is_younger(&about, FRESH)));
            }
        }
        Ok(found)
    }

    /// Removes an object that nobody refers to, unless somebody has wanted it just now.
    ///
    /// It is taken aside first: who wants it from then on does not find it and stores it anew; who
    /// wanted it before has touched it, and it is put back.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn remove(&self, digest: &Digest) -> Result<Removal> {
        let path = self.path_of(digest);
        let aside = self.aside.join(format!("{GONE}{digest}"));
        match fs_err::rename(&path, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Removal::Left),
            renamed => renamed?,
        }
        let about = fs_err::metadata(&aside)?;
        if is_younger(&about, FRESH) {
            fs_err::rename(&aside, &path)?;
            return Ok(Removal::Left);
        }
        fs_err::remove_file(&aside)?;
        Ok(Removal::Removed(about.blocks() * 512))
    }

    /// Puts back what was taken aside by a removal that was killed. Called when nobody removes.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn recover(&self) -> Result<()> {
        for entry in self.aside.read_dir_utf8()? {
            let entry = entry?;
            let digest = entry.file_name().strip_prefix(GONE);
            if let Some(Ok(digest)) = digest.map(str::parse) {
                fs_err::rename(entry.path(), self.path_of(&digest))?;
            }
        }
        Ok(())
    }

    /// Removes what killed writers left aside; gives the room it took.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn remove_leftovers(&self) -> Result<u64> {
        let mut bytes = 0;
        for entry in self.aside.read_dir_utf8()? {
            let entry = entry?;
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_file() && !is_younger(&about, FRESH) {
                fs_err::remove_file(entry.path())?;
                bytes += about.blocks() * 512;
            }
        }
        Ok(bytes)
    }

    /// The bytes of an object, checked against its digest.
    ///
    /// # Errors
    ///
    /// [`Error::Absent`] when it is not there, [`Error::Damaged`] when its bytes are not its own.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        if !self.has(digest) {
            return Err(Error::Absent(*digest));
        }
        let bytes = fs_err::read(self.path_of(digest))?;
        match hash::of_bytes(&bytes) == *digest {
            true => Ok(bytes),
            false => Err(self.damaged(digest)),
        }
    }

    /// Takes an object whose bytes are not its own out of the store, so that it counts as absent and
    /// is stored anew when it comes again; gives the error that says so.
    pub(crate) fn damaged(&self, digest: &Digest) -> Error {
        let path = self.aside.join(format!("damaged-{digest}"));
        // What cannot be set aside stays in the way, and is found again the next time.
        drop(fs_err::rename(self.path_of(digest), &path));
        Error::Damaged {
            digest: *digest,
            path,
        }
    }

    /// How many bytes an object has, if it is there.
    #[must_use]
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        let about = fs_err::metadata(self.path_of(digest)).ok()?;
        is_object(&about, digest).then_some(about.len())
    }

    /// Stores `bytes`.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = hash::of_bytes(bytes);
        if !self.want(&digest) {
            let aside = self.aside()?;
            aside
                .as_file()
                .write_all(bytes)
                .map_err(Error::writing(self.path_of(&digest)))?;
            self.place(aside, &digest)?;
        }
        Ok(digest)
    }

    /// Stores the content of a file: by copy-on-write where the file system can, else by copy.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or the object not be written.
    pub fn put_file(&self, source: &Utf8Path) -> Result<Digest> {
        let (digest, _) = hash::of_reader(fs_err::File::open(source)?)?;
        if self.want(&digest) {
            return Ok(digest);
        }
        // The file may have changed since; the copy cannot, so it is the copy's digest that counts.
        let (aside, digest) = self.copy_aside(source, u64::MAX)?;
        self.place(aside, &digest)?;
        Ok(digest)
    }

    /// Stores the content of a file whose digest is known already, and which it must still have.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] when the content is another by now; else as [`Cas::put_file`].
    pub(crate) fn put_file_as(
        &self,
        expected: &Digest,
        source: &Utf8Path,
        length: u64,
    ) -> Result<()> {
        if self.want(expected) {
            return Ok(());
        }
        let (aside, found) = self.copy_aside(source, length)?;
        if found != *expected {
            return Err(Error::Changed(source.to_owned()));
        }
        self.place(aside, expected)
    }

    /// Stores what `content` gives if it is the object announced, and nothing otherwise.
    ///
    /// `content` is checked even when the object is there already.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] when other bytes come, [`Error::Receive`] when `content` breaks off.
    pub fn put_reader(&self, expected: &Digest, content: impl Read) -> Result<()> {
        let mismatch = |found| Error::Mismatch {
            expected: *expected,
            found,
        };
        if self.want(expected) {
            let received = hash::of_reader(content).map_err(|source| Error::Receive {
                digest: *expected,
                source,
            });
            let (found, _) = received?;
            return match found == *expected {
                true => Ok(()),
                false => Err(mismatch(found)),
            };
        }
        let aside = self.aside()?;
        let found = hash::copy(content, aside.as_file()).map_err(|fault| match fault {
            CopyFault::Read(source) => Error::Receive {
                digest: *expected,
                source,
            },
            CopyFault::Write(source) => Error::writing(self.path_of(expected))(source),
        })?;
        if found != *expected {
            return Err(mismatch(found));
        }
        self.place(aside, expected)
    }

    /// Waits until everything stored so far would survive a power cut.
    ///
    /// One call for the whole file system, so it costs what lies unwritten there. Call it once,
    /// after storing and before recording a reference.
    ///
    /// # Errors
    ///
    /// When the disk reports an error.
    pub fn sync(&self) -> Result<()> {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(fs_err::File::open(&self.root)?)
            .map_err(|errno| Error::writing(&self.root)(errno.into()))?;
        #[cfg(not(target_os = "linux"))]
        rustix::fs::sync();
        Ok(())
    }

    /// A copy of `source` that nobody else writes to, and its digest.
    /// Copies a file up to a length; what is added to it meanwhile is left out.
    fn copy_aside(&self, source: &Utf8Path, length: u64) -> Result<(NamedTempFile, Digest)> {
        let from = fs_err::File::open(source)?;
        let aside = self.aside()?;
        if reflink_copy::reflink_file(from.file(), aside.as_file()).is_ok() {
            if aside.as_file().metadata()?.len() > length {
                let cut = aside.as_file().set_len(length);
                cut.map_err(Error::writing(&self.aside))?;
            }
            let (digest, _) = hash::of_reader(aside.as_file())?;
            return Ok((aside, digest));
        }
        // What a failed clone leaves is unspecified.
        aside
            .as_file()
            .set_len(0)
            .map_err(Error::writing(&self.aside))?;
        let digest =
            hash::copy(from.take(length), aside.as_file()).map_err(|fault| match fault {
                CopyFault::Read(source) => Error::File(source),
                CopyFault::Write(source) => Error::writing(&self.aside)(source),
            })?;
        Ok((aside, digest))
    }

    /// A new file beside the objects; it vanishes when it is dropped.
    fn aside(&self) -> Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix("put-")
            .permissions(Permissions::from_mode(0o444))
            .tempfile_in(&self.aside)
            .map_err(Error::writing(&self.aside))
    }

    /// Gives a complete file its name.
    ///
    /// Of two that store one object at once, the later replaces the earlier: by the same bytes and
    /// in one step, so no reader can tell.
    fn place(&self, aside: NamedTempFile, digest: &Digest) -> Result<()> {
        if self.has(digest) {
            return Ok(());
        }
        let path = self.path_of(digest);
        let folder = path.parent().expect("an object lies in a folder");
        fs_err::create_dir_all(folder)?;
        aside
            .persist(&path)
            .map(drop)
            .map_err(|fault| Error::writing(&path)(fault.error))
    }
}

/// Whether a file is the object, as far as can be known without reading it.
fn is_object(about: &std::fs::Metadata, digest: &Digest) -> bool {
    about.is_file() && (about.len() > 0 || *digest == hash::of_bytes(b""))
}

/// Whether a file was last touched within so long. A time in the future is young.
fn is_younger(about: &std::fs::Metadata, age: Duration) -> bool {
    let touched = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now()
        .duration_since(touched)
        .is_ok_and(|since| since < age)
        || touched > SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn store() -> (camino_tempfile::Utf8TempDir, Cas) {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let root = temp.path().join("cas");
        let cas = Cas::open(&root).expect("opened");
        (temp, cas)
    }

    fn files_in(cas: &Cas) -> u64 {
        crate::disk::usage(&cas.root).expect("counted").files
    }

    #[test]
    fn an_object_is_read_only_and_read_back_from_its_digest() {
        let (temp, cas) = store();
        let source = temp.path().join("a");
        fs_err::write(&source, b"hello").expect("written");
        let digest = cas.put_file(&source).expect("stored");
        assert_eq!(cas.put_bytes(b"hello").expect("stored"), digest);
        assert_eq!(cas.read(&digest).expect("read"), b"hello");
        let path = cas.path_of(&digest);
        assert!(
            path.as_str()
                .ends_with("/ea/8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f")
        );
        let mode = fs_err::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o333, 0, "nobody may write or execute: {mode:o}");
        assert_eq!(files_in(&cas), 1);
    }

    #[test]
    fn content_other_than_announced_is_refused_and_leaves_nothing() {
        let (_temp, cas) = store();
        let announced = hash::of_bytes(b"right");
        let error = cas
            .put_reader(&announced, &b"wrong"[..])
            .expect_err("refused");
        let text = error.to_string();
        assert!(text.contains(&announced.to_string()), "{text}");
        assert!(
            text.contains(&hash::of_bytes(b"wrong").to_string()),
            "{text}"
        );
        assert_eq!(files_in(&cas), 0);
        cas.put_reader(&announced, &b"right"[..]).expect("stored");
        assert_eq!(cas.missing(&[announced, hash::of_bytes(b"x")]).len(), 1);
    }

    #[test]
    fn a_sender_that_breaks_off_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        }
        let (_temp, cas) = store();
        let digest = hash::of_bytes(b"halfway there");
        let error = cas
            .put_reader(&digest, b"halfway"[..].chain(Broken))
            .expect_err("broken off");
        assert!(matches!(error, Error::Receive { .. }), "{error}");
        assert_eq!(files_in(&cas), 0);
    }

    #[test]
    fn an_object_emptied_by_a_power_cut_counts_as_absent_and_is_stored_anew() {
        let (_temp, cas) = store();
        let digest = cas.put_bytes(b"precious").expect("stored");
        let empty = cas.put_bytes(b"").expect("stored");
        fs_err::remove_file(cas.path_of(&digest)).expect("removed");
        fs_err::write(cas.path_of(&digest), b"").expect("emptied");
        assert!(matches!(cas.read(&digest), Err(Error::Absent(_))));
        assert_eq!(cas.missing(&[digest, empty]), [digest]);
        cas.put_bytes(b"precious").expect("stored");
        assert_eq!(cas.read(&digest).expect("read"), b"precious");
    }

    fn make_old(cas: &Cas, digest: &Digest) {
        let file = fs_err::File::open(cas.path_of(digest)).expect("opened");
        let long_ago = SystemTime::now() - FRESH - Duration::from_secs(60);
        let times = std::fs::FileTimes::new().set_modified(long_ago);
        file.file().set_times(times).expect("set");
    }

    #[test]
    fn an_object_is_removed_when_it_is_old_and_nobody_has_wanted_it() {
        let (_temp, cas) = store();
        let digest = cas.put_bytes(b"old").expect("stored");
        assert_eq!(
            cas.remove(&digest).expect("tried"),
            Removal::Left,
            "it is fresh"
        );
        assert!(cas.has(&digest));
        make_old(&cas, &digest);
        assert_eq!(cas.list().expect("listed").len(), 1);
        cas.put_bytes(b"old").expect("found there");
        assert_eq!(
            cas.remove(&digest).expect("tried"),
            Removal::Left,
            "it was wanted"
        );
        make_old(&cas, &digest);
        assert!(cas.missing(&[digest]).is_empty());
        assert_eq!(
            cas.remove(&digest).expect("tried"),
            Removal::Left,
            "it was asked for"
        );
        make_old(&cas, &digest);
        assert!(matches!(cas.remove(&digest), Ok(Removal::Removed(_))));
        assert_eq!(cas.missing(&[digest]), [digest]);
        assert_eq!(
            cas.remove(&digest).expect("tried"),
            Removal::Left,
            "it is gone"
        );
        assert_eq!(files_in(&cas), 0);
    }

    #[test]
    fn a_removal_that_was_killed_is_undone() {
        let (_temp, cas) = store();
        let digest = cas.put_bytes(b"precious").expect("stored");
        let aside = cas.aside.join(format!("{GONE}{digest}"));
        fs_err::rename(cas.path_of(&digest), &aside).expect("as if it was killed here");
        cas.recover().expect("put back");
        assert_eq!(cas.read(&digest).expect("read"), b"precious");
    }

    #[test]
    fn what_is_sent_again_must_still_be_what_its_digest_says() {
        let (_temp, cas) = store();
        let digest = cas.put_bytes(b"precious").expect("stored");
        cas.put_reader(&digest, &b"precious"[..]).expect("the same");
        let other = cas.put_reader(&digest, &b"another"[..]);
        assert!(matches!(other, Err(Error::Mismatch { .. })));
        assert_eq!(cas.size(&digest), Some(8));
    }

    #[test]
    fn an_object_with_other_bytes_is_never_handed_out() {
        let (_temp, cas) = store();
        let digest = cas.put_bytes(b"precious").expect("stored");
        fs_err::remove_file(cas.path_of(&digest)).expect("removed");
        fs_err::write(cas.path_of(&digest), b"rubbish!").expect("damaged");
        assert!(matches!(cas.read(&digest), Err(Error::Damaged { .. })));
    }
}
