//! The working folder of a step: made for it, or handed on by an earlier one.
//!
//! To make a folder with the files of a snapshot can cost more than all else of a short step. So when a
//! step has left those files as they were, its supervisor removes what was added, keeps the folder for a
//! moment, and renames it for the next step that has the same files. Where else a step has written, and what
//! becomes of its outputs, is not looked at here.
//!
//! Invariant: a step finds what a new folder would have. A folder is handed on only if each file in it is the
//! one that was made, by all that the file system says of it and, while it is too young for that, by its
//! content; and only when no process of its step is left. One of an isolated step, or of one that is several
//! processes, is not.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use nix::libc;
use rustix::fs::llistxattr;
use rustix::io::Errno;
use stepwell_data::cas::Cas;
use stepwell_data::snapshot;
use stepwell_model::Digest;

use crate::collect::KEPT;
use crate::spec::Spec;
use crate::{now, relocate};

/// How long a folder is kept for a step that does not come.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(1);

/// A file that was changed so shortly before may have been changed again within the same tick of the
/// file system's clock: the coarsest has two seconds.
const SETTLED_S: i64 = 3;

/// The working folders of a supervisor.
#[derive(Debug, Default)]
pub(crate) struct WorkFolders {
    /// How that of the current step was made, if it may be handed on.
    current: Option<Made>,
    /// One that nobody has.
    spare: Option<Spare>,
}

/// How a folder was when it was made.
#[derive(Debug)]
struct Made {
    objects: Utf8PathBuf,
    snapshot: Option<Digest>,
    root: Looks,
    entries: Vec<(Utf8PathBuf, Looks)>,
}

/// What the file system says of an entry; it changes with every change of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Looks {
    place: (u64, u64),
    kind: (u32, u64),
    owner: (u32, u32),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A folder that is as a new one would be, and that no step has.
#[derive(Debug)]
struct Spare {
    path: Utf8PathBuf,
    made: Made,
}

impl WorkFolders {
    /// Makes the folder of a step, with the files of its snapshot and the folders that are kept.
    ///
    /// # Errors
    /// The store lacks a file, or the file system refuses.
    pub(crate) fn make(&mut self, spec: &Spec) -> stepwell_data::Result<()> {
        self.current = self.hand_on(spec);
        if self.current.is_some() {
            return Ok(());
        }
        if let Some(files) = &spec.snapshot {
            snapshot::materialise(&Cas::open(&spec.objects)?, files, &spec.work_dir)?;
        }
        for kept in KEPT {
            fs::create_dir_all(spec.work_dir.join(kept))?;
        }
        if may_be_handed_on(spec) {
            // What cannot be looked at is not handed on.
            self.current = Made::of(spec).ok();
        }
        Ok(())
    }

    /// Keeps the folder of a step that is over, or removes it.
    pub(crate) fn leave(&mut self, work_dir: &Utf8Path, may_be_kept: bool) {
        let made = self.current.take().filter(|_| may_be_kept);
        match made.and_then(|made| made.restored(work_dir)) {
            Some(made) => {
                let path = work_dir.to_owned();
                self.spare = Some(Spare { path, made });
            }
            None => remove(work_dir),
        }
    }

    /// Whether one is kept.
    pub(crate) const fn has_one(&self) -> bool {
        self.spare.is_some()
    }

    /// Removes the one that is kept.
    pub(crate) fn clear(&mut self) {
        if let Some(spare) = self.spare.take() {
            remove(&spare.path);
        }
    }

    fn hand_on(&mut self, spec: &Spec) -> Option<Made> {
        let fits = |spare: &mut Spare| may_be_handed_on(spec) && spare.made.is_for(spec);
        let Spare { path, made } = self.spare.take_if(fits)?;
        if fs::rename(&path, &spec.work_dir).is_err() {
            remove(&path);
            return None;
        }
        let root = Looks::at(&spec.work_dir).ok()?;
        Some(Made { root, ..made })
    }
}

impl Drop for WorkFolders {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The outcome of a step does not depend on it; a new attempt has a folder of its own.
fn remove(folder: &Utf8Path) {
    let _ = fs::remove_dir_all(folder);
}

/// A process of such a step may be on another machine, or have a way to a folder that is not by its path.
const fn may_be_handed_on(spec: &Spec) -> bool {
    spec.view.is_none() && spec.several.is_none()
}

impl Made {
    fn of(spec: &Spec) -> io::Result<Self> {
        Ok(Self {
            objects: spec.objects.clone(),
            snapshot: spec.snapshot,
            root: Looks::at(&spec.work_dir)?,
            entries: entries_of(&spec.work_dir)?,
        })
    }

    fn is_for(&self, spec: &Spec) -> bool {
        self.snapshot == spec.snapshot && self.objects == spec.objects
    }

    /// The folder as it is when what was added is removed; `None` if it is not what it was then.
    fn restored(mut self, work_dir: &Utf8Path) -> Option<Self> {
        let is_same = self.restore(work_dir).unwrap_or(false)
            && (self.is_settled() || self.has_its_content(work_dir));
        is_same.then_some(self)
    }

    fn restore(&mut self, work_dir: &Utf8Path) -> io::Result<bool> {
        let (root, found) = (Looks::at(work_dir)?, entries_of(work_dir)?);
        if root == self.root && found == self.entries {
            return Ok(true);
        }
        for (path, _) in &found {
            let is_new = |path: &Utf8Path| path != "" && self.looks_of(path).is_none();
            // All that is in a new folder goes with it.
            if is_new(path) && !path.parent().is_some_and(is_new) {
                relocate::remove(work_dir.join(path).as_std_path())?;
            }
        }
        let found: BTreeMap<Utf8PathBuf, Looks> = found.into_iter().collect();
        for (path, made) in &self.entries {
            let at = work_dir.join(path);
            match found.get(path) {
                Some(now) if now == made || now.is_same_folder(made, &at) => {}
                // It was moved to the files of the run.
                None if KEPT.contains(&path.as_str()) => fs::create_dir(&at)?,
                _ => return Ok(false),
            }
        }
        let is_same = root == self.root || root.is_same_folder(&self.root, work_dir);
        self.look_at_folders(work_dir)?;
        Ok(is_same)
    }

    fn looks_of(&self, path: &Utf8Path) -> Option<&Looks> {
        let entries = &self.entries;
        let place = entries.binary_search_by(|(each, _)| each.as_path().cmp(path));
        place.ok().map(|place| &entries[place].1)
    }

    /// What was removed and made has changed them.
    fn look_at_folders(&mut self, work_dir: &Utf8Path) -> io::Result<()> {
        self.root = Looks::at(work_dir)?;
        for (path, looks) in &mut self.entries {
            if looks.is_folder() {
                *looks = Looks::at(&work_dir.join(path))?;
            }
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let latest = self.entries.iter().map(|(_, looks)| looks.changed.0).max();
        latest.unwrap_or_default().saturating_add(SETTLED_S) < now().as_millis() / 1_000
    }

    fn has_its_content(&self, work_dir: &Utf8Path) -> bool {
        let Some(files) = &self.snapshot else {
            return true;
        };
        let holds = Cas::open(&self.objects).and_then(|cas| snapshot::holds(&cas, files, work_dir));
        holds.unwrap_or(false)
    }
}

impl Looks {
    fn at(path: &Utf8Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            place: (found.dev(), found.ino()),
            kind: (found.mode(), found.nlink()),
            owner: (found.uid(), found.gid()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    const fn is_folder(&self) -> bool {
        self.kind.0 & libc::S_IFMT == libc::S_IFDIR
    }

    /// Whether it is the folder that it was, whatever is in it now.
    fn is_same_folder(&self, before: &Self, path: &Utf8Path) -> bool {
        let same = |looks: &Self| (looks.place, looks.kind.0, looks.owner);
        self.is_folder() && same(self) == same(before) && has_no_attributes(path)
    }
}

/// Whether nobody has set attributes of a folder, such as rights that new files inherit.
fn has_no_attributes(folder: &Utf8Path) -> bool {
    let mut names = [0; 1024];
    match llistxattr(folder.as_std_path(), &mut names[..]) {
        Ok(length) => {
            let mut names = names[..length].split(|byte| *byte == 0);
            names.all(|name| name.is_empty() || name.starts_with(b"security."))
        }
        Err(error) => error == Errno::NOTSUP,
    }
}

/// Everything below a folder, sorted by path.
fn entries_of(folder: &Utf8Path) -> io::Result<Vec<(Utf8PathBuf, Looks)>> {
    let mut entries = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in at.read_dir_utf8()? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path.to_owned());
            }
            let below = path.strip_prefix(folder).unwrap_or(path);
            entries.push((below.to_owned(), Looks::at(path)?));
        }
    }
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::fs::{FileTimes, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{XattrFlags, setxattr};
    use stepwell_data::snapshot::{ScanOptions, scan, store};
    use stepwell_model::AttemptId;

    use super::*;
    use crate::view::View;

    /// A store with the snapshot of a script and a module, and folders beside it.
    struct Place {
        root: camino_tempfile::Utf8TempDir,
        snapshot: Digest,
    }

    impl Place {
        fn new() -> Self {
            let root = camino_tempfile::tempdir().expect("a folder");
            let source = root.path().join("source");
            fs::create_dir_all(source.join("lib")).expect("a folder");
            fs::write(source.join("train.py"), "import lib.a").expect("a script");
            fs::write(source.join("lib/a.py"), "pass").expect("a module");
            let cas = Cas::open(&root.path().join("objects")).expect("a store");
            let tree = scan(&source, ScanOptions::default()).expect("a scan");
            let snapshot = store(&cas, &tree).expect("a snapshot");
            Self { root, snapshot }
        }

        fn spec(&self, name: &str) -> Spec {
            let at = |name: &str| self.root.path().join(name);
            let attempt: AttemptId = "0192f5c4-1111-7222-8333-444455556666#1"
                .parse()
                .expect("an id");
            let spec = serde_json::json!({
                "attempt": attempt, "argv": ["python", "train.py"],
                "variables": {}, "work_dir": at(name), "files_dir": at("files"), "log": at("log"),
                "objects": at("objects"), "snapshot": self.snapshot, "grace_ms": 1,
            });
            serde_json::from_value(spec).expect("a specification")
        }

        /// The folders, with the one of a step that is over and has done something there.
        fn after(&self, done: impl FnOnce(&Utf8Path)) -> (WorkFolders, Spec) {
            let (mut folders, spec) = (WorkFolders::default(), self.spec("first"));
            folders.make(&spec).expect("made");
            done(&spec.work_dir);
            folders.leave(&spec.work_dir, true);
            (folders, spec)
        }
    }

    fn names(folder: &Utf8Path) -> Vec<String> {
        let entries = entries_of(folder).expect("a folder").into_iter();
        entries.map(|(path, _)| path.to_string()).collect()
    }

    const MADE: [&str; 5] = ["lib", "lib/a.py", "logs", "outputs", "train.py"];

    #[test]
    fn a_folder_that_is_left_as_it_was_is_handed_on_again_and_again() {
        let place = Place::new();
        let (mut folders, first) = place.after(|_| ());
        let file = |spec: &Spec| Looks::at(&spec.work_dir.join("train.py")).expect("a script");
        let made = file(&first);
        let mut before = first;
        for name in ["second", "third"] {
            assert!(folders.has_one());
            let spec = place.spec(name);
            folders.make(&spec).expect("made");
            assert!(!folders.has_one() && !before.work_dir.exists());
            assert_eq!(names(&spec.work_dir), MADE);
            assert_eq!(file(&spec), made);
            folders.leave(&spec.work_dir, true);
            before = spec;
        }
        folders.clear();
        assert!(!folders.has_one() && !before.work_dir.exists());
    }

    type Done = fn(&Utf8Path);

    #[test]
    fn what_a_step_has_added_does_not_reach_the_next() {
        let additions: [(&str, Done); 4] = [
            ("a file", |at| {
                fs::write(at.join("x"), "").expect("written");
            }),
            ("folders in folders", |at| {
                fs::create_dir_all(at.join("lib/__pycache__/deep")).expect("made");
                fs::write(at.join("lib/__pycache__/deep/a.pyc"), "").expect("written");
                fs::write(at.join("lib/b.py"), "").expect("written");
            }),
            ("a link to a folder elsewhere", |at| {
                fs::create_dir(at.with_extension("kept")).expect("made");
                symlink(at.with_extension("kept"), at.join("outputs/link")).expect("linked");
            }),
            ("outputs that were moved away", |at| {
                fs::rename(at.join("outputs"), at.with_extension("kept")).expect("moved");
            }),
        ];
        for (what, done) in additions {
            let place = Place::new();
            let (mut folders, first) = place.after(done);
            assert!(folders.has_one(), "{what}");
            let kept = first.work_dir.with_extension("kept");
            let was_there = kept.exists();
            for name in ["second", "third"] {
                let spec = place.spec(name);
                folders.make(&spec).expect("made");
                assert!(!first.work_dir.exists(), "{what}");
                assert_eq!(names(&spec.work_dir), MADE, "{what}");
                folders.leave(&spec.work_dir, true);
                assert!(folders.has_one(), "{what}");
            }
            assert_eq!(kept.exists(), was_there, "{what}");
        }
    }

    #[test]
    fn a_folder_with_a_file_or_a_folder_that_is_other_than_it_was_is_removed() {
        let changes: [(&str, Done); 9] = [
            ("a file that is gone", |at| {
                fs::remove_file(at.join("lib/a.py")).expect("removed");
            }),
            ("a folder of the snapshot that is gone", |at| {
                fs::remove_dir_all(at.join("lib")).expect("removed");
            }),
            ("other content of the same length and time", |at| {
                let path = at.join("lib/a.py");
                let before = fs::metadata(&path).expect("there").modified();
                fs::write(&path, "None").expect("written");
                let file = std::fs::File::options().write(true).open(&path);
                let times = FileTimes::new().set_modified(before.expect("a time"));
                file.expect("a file").set_times(times).expect("set back");
            }),
            ("another file of the same content", |at| {
                fs::remove_file(at.join("lib/a.py")).expect("removed");
                fs::write(at.join("lib/a.py"), "pass").expect("written");
            }),
            ("another mode", |at| {
                let mode = Permissions::from_mode(0o600);
                fs::set_permissions(at.join("train.py"), mode).expect("set");
            }),
            ("another mode of the folder itself", |at| {
                fs::set_permissions(at, Permissions::from_mode(0o700)).expect("set");
            }),
            ("an attribute of a folder", |at| {
                setxattr(at.as_std_path(), "user.x", b"1", XattrFlags::empty()).expect("set");
            }),
            ("a second name elsewhere", |at| {
                fs::hard_link(at.join("train.py"), at.with_extension("kept")).expect("linked");
            }),
            ("a link in place of a folder", |at| {
                fs::remove_dir(at.join("outputs")).expect("removed");
                symlink("/tmp", at.join("outputs")).expect("linked");
            }),
        ];
        for (what, done) in changes {
            let place = Place::new();
            let (folders, first) = place.after(done);
            assert!(!folders.has_one() && !first.work_dir.exists(), "{what}");
        }
    }

    #[test]
    fn content_that_the_clock_is_too_coarse_to_tell_is_read() {
        let place = Place::new();
        let (mut folders, first) = (WorkFolders::default(), place.spec("first"));
        folders.make(&first).expect("made");
        fs::write(first.work_dir.join("lib/a.py"), "None").expect("written");
        // As if the change had come within one tick.
        folders.current = Some(Made::of(&first).expect("it is there"));
        folders.leave(&first.work_dir, true);
        assert!(!folders.has_one() && !first.work_dir.exists());
    }

    #[test]
    fn it_is_not_for_a_step_with_other_files_or_with_a_view_and_not_kept_with_a_process_in_it() {
        let place = Place::new();
        let (mut folders, first) = place.after(|_| ());
        let empty = Spec {
            snapshot: None,
            ..place.spec("second")
        };
        folders.make(&empty).expect("made");
        assert_eq!(names(&empty.work_dir), ["logs", "outputs"]);
        // It is removed while the program runs.
        assert!(folders.has_one() && first.work_dir.exists());
        let isolated = Spec {
            view: Some(View::default()),
            ..place.spec("third")
        };
        folders.make(&isolated).expect("made");
        assert!(folders.has_one() && folders.current.is_none());
        folders.leave(&isolated.work_dir, true);
        assert!(!isolated.work_dir.exists());

        let last = place.spec("fourth");
        folders.make(&last).expect("made");
        folders.leave(&last.work_dir, false);
        assert!(!folders.has_one() && !last.work_dir.exists());
    }

    #[test]
    fn a_folder_that_somebody_has_removed_meanwhile_is_made_anew() {
        let place = Place::new();
        let (mut folders, first) = place.after(|_| ());
        fs::remove_dir_all(&first.work_dir).expect("removed");
        let second = place.spec("second");
        folders.make(&second).expect("made");
        assert_eq!(names(&second.work_dir), MADE);
    }
}
