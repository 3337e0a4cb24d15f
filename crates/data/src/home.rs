//! Whose a data folder is, and where it was made.
//!
//! A folder is bound to its path, its inode and its machine when it is made; the record is signed
//! with a key of its owner's that lies outside of it. A folder that was copied, unpacked or planted
//! has no such record, or one of another place: nothing in it is believed until its owner says so.
//!
//! It decides nothing about runs: what may go on in a folder that was moved is the server's part.
//!
//! Invariant: whoever can write files of the user's only through what the user unpacks or clones
//! cannot make a folder that counts as the user's own.

use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::folder::DataFolder;

/// Where the ids of machines are, in the order they are asked.
const MACHINE_IDS: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// What a folder's record says of where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The id of the machine; empty where machines have none.
    machine: String,
    /// The folder's absolute path without links.
    path: Utf8PathBuf,
    inode: u64,
    /// The keyed BLAKE3 digest of the above, in hexadecimal digits.
    #[serde(default)]
    seal: String,
}

/// How a folder stands to its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bond {
    /// It has no database yet: it is about to be made.
    New,
    /// It is where it was made.
    Here,
    /// It was made by this user on this machine, elsewhere, and is not there any more.
    Moved {
        /// Where it was.
        from: Utf8PathBuf,
    },
    /// It is a copy: what it was copied from is still there.
    Copied {
        /// The folder it was copied from.
        from: Utf8PathBuf,
    },
    /// Nothing shows that this user made it on this machine.
    Foreign,
}

/// The key that a user's records are signed with.
#[derive(Clone)]
pub struct OwnerKey([u8; 32]);

impl std::fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnerKey(..)")
    }
}

impl OwnerKey {
    /// The key in a file; made when there is none.
    ///
    /// # Errors
    /// The file can neither be read nor made.
    pub fn open(path: &Utf8Path) -> io::Result<Self> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut random = [0; 32];
        io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut random)?;
        // Two programs may make it at once: the first to link it wins, whole.
        let aside = path.with_extension(std::process::id().to_string());
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)?;
        io::Write::write_all(&mut file, &random)?;
        let linked = fs::hard_link(&aside, path);
        drop(fs::remove_file(&aside));
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Self::read(path)?.ok_or_else(|| io::Error::other(format!("`{path}` is no key"))),
        }
    }

    fn read(path: &Utf8Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(bytes.try_into().ok().map(Self)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The key of a user without a place for one. It keeps copies apart, and forgers out that do
    /// not know the machine.
    #[must_use]
    pub fn none() -> Self {
        Self([0; 32])
    }

    fn seal(&self, record: &Record) -> String {
        let text = format!("{}\n{}\n{}", record.machine, record.inode, record.path);
        blake3::keyed_hash(&self.0, text.as_bytes())
            .to_hex()
            .to_string()
    }
}

/// How a folder stands to its record.
///
/// # Errors
/// Those of the file system.
pub fn bond(folder: &DataFolder, key: &OwnerKey) -> io::Result<Bond> {
    if !folder.database().exists() && !folder.root().join("runs").exists() {
        return Ok(Bond::New);
    }
    let text = match fs::read(folder.home_file()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bond::Foreign),
        read => read?,
    };
    let Ok(record) = serde_json::from_slice::<Record>(&text) else {
        return Ok(Bond::Foreign);
    };
    let here = record_of(folder)?;
    if record.seal != key.seal(&record) || record.machine != here.machine {
        return Ok(Bond::Foreign);
    }
    if (&record.path, record.inode) == (&here.path, here.inode) {
        return Ok(Bond::Here);
    }
    let original = fs::metadata(&record.path).is_ok_and(|there| there.ino() == record.inode);
    let from = record.path;
    Ok(match original && from != here.path {
        true => Bond::Copied { from },
        false => Bond::Moved { from },
    })
}

/// Binds a folder to where it is.
///
/// # Errors
/// Those of the file system.
pub fn bind(folder: &DataFolder, key: &OwnerKey) -> io::Result<()> {
    let mut record = record_of(folder)?;
    record.seal = key.seal(&record);
    let text = serde_json::to_vec_pretty(&record).map_err(io::Error::from)?;
    write_private(&folder.home_file(), &text)
}

fn record_of(folder: &DataFolder) -> io::Result<Record> {
    let path = folder.root().canonicalize_utf8()?;
    let machine = MACHINE_IDS
        .iter()
        .find_map(|file| fs::read_to_string(file).ok());
    Ok(Record {
        machine: machine.unwrap_or_default().trim().to_owned(),
        inode: fs::metadata(&path)?.ino(),
        path,
        seal: String::new(),
    })
}

/// What a folder is to the system, wherever it is and whatever is in it: its device and inode.
///
/// # Errors
/// Those of the file system.
pub fn identity(folder: &Utf8Path) -> io::Result<String> {
    Ok(identity_of(&fs::metadata(folder)?))
}

/// The same, of a folder that has been looked at.
#[must_use]
pub fn identity_of(folder: &std::fs::Metadata) -> String {
    format!("{}:{}", folder.dev(), folder.ino())
}

/// Gives the folder a database of its own if another folder has hard links to the same file, as
/// `cp -al` and some backups make them. Nobody may have the database open.
///
/// # Errors
/// Those of the file system.
pub fn unshare(folder: &DataFolder) -> io::Result<()> {
    let database = folder.database();
    // The log is part of the content: it is its own before the database is, so that a copy that
    // was interrupted is complete when it is begun again.
    for end in ["-shm", "-wal", ""] {
        let shared = Utf8PathBuf::from(format!("{database}{end}"));
        match fs::metadata(&shared) {
            Ok(about) if about.nlink() > 1 => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => continue,
        }
        let own = Utf8PathBuf::from(format!("{database}{end}.own"));
        drop(fs::remove_file(&own));
        fs::copy(&shared, &own)?;
        fs::File::open(&own)?.sync_all()?;
        fs::rename(&own, &shared)?;
    }
    Ok(())
}

/// Makes sure that a data folder is the user's own and that nobody else can look into it; true when
/// its permissions had to be mended.
///
/// # Errors
/// It belongs to somebody else, or its permissions cannot be changed.
pub fn secure(root: &Utf8Path) -> io::Result<bool> {
    let about = fs::metadata(root)?;
    if about.uid() != rustix::process::geteuid().as_raw() {
        let text = format!("`{root}` belongs to another user (id {})", about.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    if about.mode() & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(
        root,
        std::fs::Permissions::from_mode(about.mode() & 0o700 | 0o700),
    )?;
    // Some file systems take the change and do not make it.
    match fs::metadata(root)?.mode() & 0o077 {
        0 => Ok(true),
        _ => {
            let text = format!("others can look into `{root}`, and its permissions do not change");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
        }
    }
}

/// Writes a file that only its owner may read, complete or not at all.
///
/// # Errors
/// Those of the file system.
pub fn write_private(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    // One that a killed process left may have other permissions.
    drop(std::fs::remove_file(&aside));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    io::Write::write_all(&mut file, bytes)?;
    fs::rename(aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(at: &Utf8Path) -> DataFolder {
        fs::create_dir_all(at).expect("a folder");
        fs::write(at.join("stepwell.db"), "").expect("a file");
        DataFolder::new(at)
    }

    #[test]
    fn a_folder_knows_its_place_and_its_owner() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let top = guard.path().canonicalize_utf8();
        let top = top.expect("it exists");
        let key = OwnerKey::open(&top.join("state/key")).expect("a key");
        let new = DataFolder::new(top.join("new"));
        assert_eq!(bond(&new, &key).expect("a bond"), Bond::New);
        let a = folder(&top.join("a"));
        assert_eq!(bond(&a, &key).expect("a bond"), Bond::Foreign, "planted");
        bind(&a, &key).expect("bound");
        let again = OwnerKey::open(&top.join("state/key")).expect("the same key");
        assert_eq!(bond(&a, &again).expect("a bond"), Bond::Here);
        assert_eq!(bond(&a, &OwnerKey([7; 32])).expect("a bond"), Bond::Foreign);

        let copy = folder(&top.join("copy"));
        fs::copy(a.home_file(), copy.home_file()).expect("copied");
        let from = || top.join("a");
        assert_eq!(
            bond(&copy, &key).expect("a bond"),
            Bond::Copied { from: from() }
        );
        fs::rename(top.join("a"), top.join("b")).expect("renamed");
        let b = DataFolder::new(top.join("b"));
        assert_eq!(
            bond(&b, &key).expect("a bond"),
            Bond::Moved { from: from() }
        );
        bind(&b, &key).expect("bound anew");
        assert_eq!(bond(&b, &key).expect("a bond"), Bond::Here);

        let text = fs::read_to_string(b.home_file()).expect("the record");
        let forged = text.replace("/b\"", "/copy\"");
        fs::write(copy.home_file(), forged).expect("written");
        assert_eq!(bond(&copy, &key).expect("a bond"), Bond::Foreign, "forged");
    }

    #[test]
    fn a_folder_that_others_can_look_into_is_mended() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path();
        for (mode, mended) in [(0o755, true), (0o770, true), (0o700, false), (0o2775, true)] {
            fs::set_permissions(root, std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(secure(root).expect("ours"), mended, "{mode:o}");
            assert_eq!(fs::metadata(root).expect("there").mode() & 0o777, 0o700);
        }
    }
}
