//! Where the socket of a data folder is: outside of it, so that `cp`, `shutil.copytree` and whatever
//! else cannot copy a socket copy a project while it is served.
//!
//! A user's sockets are in one folder of the system's temporary folder that nobody else can open,
//! each named by the device and inode of its data folder: every process finds it from the data
//! folder alone, no file in a copy leads to the original's, and a path of any length will do.
//!
//! It neither makes nor opens sockets: who is at the other end is asked by whoever connects.
//!
//! Invariant: a path given out by [`place`] is in a folder of this user's that lets nobody else in.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

use crate::home;

/// Where the folders of sockets are. They do not depend on a process's variables, which a login, a
/// timer and a step have differently; the second is for where another user has taken the name in the
/// first, or there is no first.
const PARENTS: [&str; 2] = ["/tmp", "/var/tmp"];

/// Where the server of a data folder makes its socket. The folder for it is made.
///
/// # Errors
/// There is no data folder, or this user can have no folder of sockets: the message says why not.
pub fn place(data_folder: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let name = name(data_folder)?;
    let own = |parent: &str| own_folder(Utf8Path::new(parent));
    let first = match own(PARENTS[0]) {
        Ok(folder) => return Ok(folder.join(name)),
        Err(error) => error,
    };
    own(PARENTS[1]).map_or(Err(first), |folder| Ok(folder.join(name)))
}

/// The socket of a data folder, if there is one. Nothing is made.
#[must_use]
pub fn find(data_folder: &Utf8Path) -> Option<Utf8PathBuf> {
    let name = name(data_folder).ok()?;
    let places = PARENTS.map(|parent| folder_in(Utf8Path::new(parent)).join(&name));
    places.into_iter().find(|place| place.exists())
}

fn name(data_folder: &Utf8Path) -> io::Result<String> {
    let identity = home::identity(data_folder)?;
    Ok(format!("{}.sock", identity.replace(':', "-")))
}

fn folder_in(parent: &Utf8Path) -> Utf8PathBuf {
    let me = rustix::process::geteuid().as_raw();
    parent.join(format!("stepwell-{me}"))
}

/// This user's folder of sockets in `parent`, made if it is missing.
fn own_folder(parent: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let folder = folder_in(parent);
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io::Error::new(
                error.kind(),
                format!("`{folder}` cannot be made: {error}"),
            ));
        }
        _ => {}
    }
    if !fs::symlink_metadata(&folder)?.is_dir() {
        let text = format!("`{folder}` is no folder");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    home::secure(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_data_folder_has_one_place_wherever_it_is_moved_and_a_copy_has_another() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path();
        let (first, moved) = (root.join("first"), root.join("moved"));
        fs::create_dir(&first).expect("a folder");
        let before = place(&first).expect("a place");
        assert_eq!(find(&first), None, "nothing is there yet");
        fs::write(&before, "").expect("something");
        fs::rename(&first, &moved).expect("moved");
        fs::create_dir(&first).expect("a folder");
        assert_eq!(find(&moved), Some(before.clone()));
        assert_ne!(place(&first).expect("a place"), before);
        fs::remove_file(&before).expect("removed");
        assert!(
            before.as_str().len() < 100,
            "it fits the system's addresses"
        );
    }

    #[test]
    fn the_folder_of_sockets_is_the_users_own_or_none() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let parent = guard.path();
        let mode = |path: &Utf8Path| fs::metadata(path).expect("there").mode() & 0o777;
        let folder = own_folder(parent).expect("made");
        assert_eq!(mode(&folder), 0o700);
        fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("opened");
        own_folder(parent).expect("mended");
        assert_eq!(mode(&folder), 0o700);
        fs::remove_dir(&folder).expect("removed");
        fs::os::unix::fs::symlink(parent.join("elsewhere"), &folder).expect("a link");
        let refused = own_folder(parent).expect_err("it leads elsewhere");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{refused}");
        fs::remove_file(&folder).expect("removed");
        if rustix::process::geteuid().is_root() {
            fs::create_dir(&folder).expect("a folder");
            std::os::unix::fs::chown(&folder, Some(65_534), None).expect("given away");
            let refused = own_folder(parent).expect_err("it is another user's");
            assert!(
                refused.to_string().contains("belongs to another user"),
                "{refused}"
            );
        }
    }
}
