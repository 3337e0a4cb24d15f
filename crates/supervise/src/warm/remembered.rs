//! What scripts have imported, as one small file each in the data folder: a supervisor that is new knows it
//! as well.
//!
//! It does not decide which modules are loaded; what is read is checked by who asks. Invariant: a file
//! that is cut short, unreadable or of another script counts as absent, and there are few files.

use std::io::Read;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use stepwell_data::folder::DataFolder;
use stepwell_model::Digest;

/// How many scripts a data folder remembers; the ones that were learned first are forgotten.
const FILES_MAX: usize = 256;

/// A longer file is none of these.
const BYTES_MAX: u64 = 64 << 10;

/// Which script of which files in which Python.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Script {
    pub(super) snapshot: Digest,
    pub(super) script: String,
    pub(super) python: String,
}

/// The form of a file. Fields are added with defaults, never changed.
#[derive(Serialize, Deserialize)]
struct Remembered {
    #[serde(flatten)]
    script: Script,
    modules: Vec<String>,
}

/// What a script was seen to import, if the data folder that has these objects remembers it.
pub(super) fn recall(objects: &Utf8Path, script: &Script) -> Option<Vec<String>> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path(objects, script)?).ok()?;
    file.take(BYTES_MAX).read_to_end(&mut text).ok()?;
    let found: Remembered = serde_json::from_slice(&text).ok()?;
    (found.script == *script).then_some(found.modules)
}

/// Remembers it, as well as that goes: it can be learned again.
pub(super) fn remember(objects: &Utf8Path, script: &Script, modules: &[String]) {
    let Some(path) = path(objects, script) else {
        return;
    };
    let remembered = Remembered {
        script: script.clone(),
        modules: modules.to_vec(),
    };
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)?;
        forget_oldest(folder)?;
        let aside = folder.join(format!(".{}", std::process::id()));
        fs::write(&aside, serde_json::to_vec(&remembered)?)?;
        fs::rename(aside, &path)
    };
    let _ = written();
}

fn path(objects: &Utf8Path, script: &Script) -> Option<Utf8PathBuf> {
    let Script {
        snapshot,
        script,
        python,
    } = script;
    let name = format!("{snapshot}\0{script}\0{python}");
    Some(DataFolder::new(objects.parent()?).imports(&name))
}

/// Makes room for one more.
fn forget_oldest(folder: &Utf8Path) -> std::io::Result<()> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8()?.flatten() {
        let changed = entry.metadata().and_then(|about| about.modified());
        found.push((changed.unwrap_or(SystemTime::UNIX_EPOCH), entry.into_path()));
    }
    found.sort();
    let excess = (found.len() + 1).saturating_sub(FILES_MAX);
    for (_, path) in found.into_iter().take(excess) {
        // Another supervisor may have removed it.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(number: usize) -> Script {
        Script {
            snapshot: Digest::new([7; 32]),
            script: format!("{number}.py"),
            python: "/python".to_owned(),
        }
    }

    #[test]
    fn what_is_remembered_is_of_one_script_and_damage_is_forgetting() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let objects = folder.path();
        let objects = objects.join("objects");
        assert_eq!(recall(&objects, &script(1)), None);
        let modules = ["pandas".to_owned()];
        remember(&objects, &script(1), &modules);
        assert_eq!(recall(&objects, &script(1)), Some(modules.to_vec()));
        assert_eq!(recall(&objects, &script(2)), None);
        let file = path(&objects, &script(1)).expect("a path");
        let whole = fs::read(&file).expect("there");
        for damaged in [&whole[..whole.len() / 2], b"", b"{}", b"\xff"] {
            fs::write(&file, damaged).expect("written");
            assert_eq!(recall(&objects, &script(1)), None);
        }
        let other = path(&objects, &script(2)).expect("a path");
        fs::write(&other, &whole).expect("written");
        assert_eq!(
            recall(&objects, &script(2)),
            None,
            "it names another script"
        );
        remember(&objects, &script(1), &modules);
        assert_eq!(recall(&objects, &script(1)), Some(modules.to_vec()));
    }

    #[test]
    fn few_scripts_are_remembered() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let objects = folder.path();
        let objects = objects.join("objects");
        for number in 0..FILES_MAX + 20 {
            remember(&objects, &script(number), &[]);
        }
        let last = script(FILES_MAX + 19);
        assert_eq!(recall(&objects, &last), Some(Vec::new()));
        let file = path(&objects, &last).expect("a path");
        let files = file.parent().expect("a folder").read_dir_utf8();
        assert_eq!(files.expect("there").count(), FILES_MAX);
    }
}
