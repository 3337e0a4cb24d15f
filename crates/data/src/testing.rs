//! A folder of files for a test; it goes when the test ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;
use camino_tempfile::Utf8TempDir;

/// A temporary folder.
pub(crate) struct Folder(Utf8TempDir);

impl Folder {
    /// A folder with these files, as path and text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(camino_tempfile::tempdir().expect("a folder"));
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        self.0.path()
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
