//! The module that every Python of a step runs first, `start/sitecustomize.py`, those that it runs
//! beside pandas and in an interpreter that is loaded ahead, and the program of a worker that is a
//! fork of one.
//!
//! It is kept in a folder of its own in the data folder, from where Python takes it by `PYTHONPATH`.
//! Without it scripts run, but lack the names that Azure ML's launcher gave them.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::DataFolder;
use stepwell_supervise::ZYGOTE_FILES;

const HOOK: &str = include_str!("start/sitecustomize.py");
const MODULES: [(&str, &str); 5] = [
    ("sitecustomize.py", HOOK),
    ("old_pandas.py", include_str!("start/old_pandas.py")),
    (WORKER, include_str!("start/worker.py")),
    ZYGOTE_FILES[0],
    ZYGOTE_FILES[1],
];

/// The program of a worker of a parallel step that starts warm.
pub(super) const WORKER: &str = "worker.py";

/// The folder to put on `PYTHONPATH`.
pub(super) fn folder(data: &DataFolder) -> Utf8PathBuf {
    data.sdk().join("start")
}

/// The folders that hold the modules, as far as this process knows, with the stamps of their files.
static WRITTEN: Mutex<BTreeMap<Utf8PathBuf, Stamps>> = Mutex::new(BTreeMap::new());

/// When each file was changed last, its size and its number.
type Stamps = Vec<Option<(i64, i64, u64, u64)>>;

/// Writes the modules that are not there as they should be. They are read again only when one of
/// them was changed since.
pub(super) fn write(folder: &Utf8Path) {
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let stamps = stamps(folder);
    if !stamps.contains(&None) && written.get(folder) == Some(&stamps) {
        return;
    }
    write_all(folder);
    written.insert(folder.to_owned(), self::stamps(folder));
}

fn stamps(folder: &Utf8Path) -> Stamps {
    let stamp = |(name, _): &(&str, &str)| {
        let about = std::fs::metadata(folder.join(name)).ok()?;
        Some((about.mtime(), about.mtime_nsec(), about.len(), about.ino()))
    };
    MODULES.iter().map(stamp).collect()
}

fn write_all(folder: &Utf8Path) {
    for (name, text) in MODULES {
        if let Err(error) = write_if_other(folder, name, text) {
            tracing::warn!(%folder, name, %error, "what scripts start with could not be written");
        }
    }
}

fn write_if_other(folder: &Utf8Path, name: &str, text: &str) -> io::Result<()> {
    let target = folder.join(name);
    if std::fs::read(&target).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    fs_err::create_dir_all(folder)?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    fs_err::write(&aside, text)?;
    fs_err::rename(aside, target)?;
    // Its compiled form would not be made anew where Python writes none.
    match std::fs::remove_dir_all(folder.join("__pycache__")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_written_and_another_one_is_replaced() {
        let root = camino_tempfile::tempdir().expect("a folder");
        let root = root.path();
        let folder = root.join("sdk/start");
        write(&folder);
        fs_err::write(folder.join(MODULES[0].0), "old").expect("written");
        fs_err::create_dir(folder.join("__pycache__")).expect("made");
        write(&folder);
        for (name, text) in MODULES {
            assert_eq!(
                fs_err::read_to_string(folder.join(name)).expect("there"),
                text
            );
        }
        assert_eq!(
            folder.read_dir_utf8().expect("there").count(),
            MODULES.len()
        );
    }
}
