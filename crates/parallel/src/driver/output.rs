//! The file of rows in the output's folder.
//!
//! It is a second name of the progress log's `rows`, so that it grows as rows come and nothing is
//! written twice. Where a file system allows no second name, it is copied when all is done.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::progress_log::rows_file;

/// The file of rows as others see it.
pub(crate) struct Output {
    path: Utf8PathBuf,
    linked: bool,
}

impl Output {
    /// Makes the file, in place of one that an earlier run or attempt has left there.
    pub(crate) fn link(folder: &Utf8Path, name: &str, state: &Utf8Path) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let path = folder.join(name);
        match fs_err::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let linked = std::fs::hard_link(rows_file(state), &path).is_ok();
        Ok(Self { path, linked })
    }

    /// All rows are there.
    pub(crate) fn complete(&self, state: &Utf8Path) -> io::Result<()> {
        if self.linked {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Utf8Path::new("."));
        let mut aside = tempfile::NamedTempFile::new_in(folder)?;
        io::copy(&mut fs_err::File::open(rows_file(state))?, &mut aside)?;
        // Readable like any other output.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        aside.as_file().set_permissions(mode)?;
        aside.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
