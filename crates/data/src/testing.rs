//! A folder of files for a test; it goes when the test ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;
use tempfile::TempDir;

/// A temporary folder.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files, as path and text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).expect("the temporary folder's path is UTF-8")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs_err::create_dir_all(path.parent().expect("lies in the folder")).expect("made");
        fs_err::write(path, text).expect("written");
    }

    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        let mode = Permissions::from_mode(mode);
        fs_err::set_permissions(self.path().join(path), mode).expect("set");
    }
}
