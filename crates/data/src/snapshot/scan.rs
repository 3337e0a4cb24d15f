//! Reading a folder into a manifest.
//!
//! Links to files and to folders are followed: the content is what a step needs, and the link
//! may point out of the folder. A link that leads nowhere, or back to a folder it lies in, is left
//! out with a warning, as is a name that no manifest can hold.
//! Folders named `.stepwell`, and data folders of any name, are left out: they hold Stepwell's own
//! data. Sockets, pipes and
//! devices are left out with a warning: they have no content to keep, and reading one may wait
//! for ever.
//!
//! Other programs may work in the folder meanwhile. A file that is gone before it is read was not
//! there, and of one that grows, as a log does, what was there when it was found is read. A digest is
//! of the bytes that were read; whether they are still the same is checked when they are stored.

use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use camino::{Utf8Path, Utf8PathBuf};

use super::limits::{self, ScanOptions};
use super::manifest::{self, Entry, Manifest};
use super::rules::{Rules, Verdict};
use crate::folder::DataFolder;
use crate::{Error, Result, hash, parallel};

/// The name of the folders that hold Stepwell's own data.
const OWN_FOLDER: &str = ".stepwell";

/// A folder as it was read.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The folder.
    pub root: Utf8PathBuf,
    /// Its files.
    pub manifest: Manifest,
    /// The length of all files together.
    pub total_bytes: u64,
    /// What the user should know, a line each.
    pub warnings: Vec<String>,
}

impl Scan {
    /// Where the file of an entry was read.
    #[must_use]
    pub fn path_of(&self, entry: &Entry) -> Utf8PathBuf {
        self.root.join(&entry.path)
    }
}

/// Reads named files and folders below `dir`, whole: no ignore file counts, and size is no reason
/// for a word. What a model is made of is read so.
///
/// # Errors
///
/// When `dir` is not a folder, a path is not there, does not stay below `dir` or has no files; else
/// as [`scan`].
pub fn scan_paths(dir: &Utf8Path, paths: &[Utf8PathBuf], options: ScanOptions) -> Result<Scan> {
    let metadata = folder_metadata(dir)?;
    let mut walk = Walk::new(dir, Rules::none()?, options.files_max);
    let place = Place::of(&metadata, None);
    for path in paths {
        if let Some(fault) = manifest::path_fault(path.as_str()) {
            return Err(walk.bad_name(path, fault));
        }
        let metadata = fs_err::metadata(dir.join(path))?;
        let before = walk.found.len();
        if metadata.is_dir() {
            walk.folder(
                path,
                Verdict::default(),
                &Place::of(&metadata, Some(&place)),
            )?;
        } else {
            walk.file(path.clone(), &metadata)?;
        }
        if walk.found.len() == before {
            let path = dir.join(path);
            return Err(Error::NoFiles { path });
        }
    }
    walk.read()
}

/// Reads the folder `dir`: finds the files that count, then hashes them on all cores.
///
/// # Errors
///
/// When `dir` is not a folder, is over a limit, or holds something that cannot be read or named;
/// the error says which and what to do.
pub fn scan(dir: &Utf8Path, options: ScanOptions) -> Result<Scan> {
    let metadata = folder_metadata(dir)?;
    let mut walk = Walk::new(dir, Rules::of(dir)?, options.files_max);
    walk.folder("".into(), Verdict::default(), &Place::of(&metadata, None))?;
    let sizes = walk.found.iter().map(|file| (&file.path, file.size));
    let warning = limits::check_bytes(dir, options.bytes_max, sizes)?;
    walk.warnings.extend(warning);
    walk.read()
}

fn folder_metadata(dir: &Utf8Path) -> Result<Metadata> {
    let fault = |fault| Error::NotAFolder {
        path: dir.to_owned(),
        fault,
    };
    let metadata = match fs_err::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(fault("does not exist"));
        }
        metadata => metadata?,
    };
    match metadata.is_dir() {
        true => Ok(metadata),
        false => Err(fault("is a file; name the folder it lies in")),
    }
}

/// Whether a folder is a server's data folder, whatever its name: it holds tokens and keys.
fn is_data_folder(folder: &Utf8Path) -> bool {
    let folder = DataFolder::new(folder);
    folder.database().exists() && folder.token().exists()
}

/// A file that counts, before it is read.
struct Found {
    path: Utf8PathBuf,
    size: u64,
    executable: bool,
}

impl Found {
    /// `None` if it is gone.
    fn read(&self, root: &Utf8Path) -> Result<Option<Entry>> {
        let file = match fs_err::File::open(root.join(&self.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (digest, size) = hash::of_reader(file.take(self.size))?;
        Ok(Some(Entry {
            path: self.path.clone(),
            digest,
            size,
            executable: self.executable,
        }))
    }
}

/// A folder being walked and those it lies in, by identity.
struct Place<'a> {
    id: (u64, u64),
    above: Option<&'a Place<'a>>,
}

impl<'a> Place<'a> {
    fn of(metadata: &Metadata, above: Option<&'a Self>) -> Self {
        let id = (metadata.dev(), metadata.ino());
        Self { id, above }
    }

    fn is_below_itself(&self) -> bool {
        std::iter::successors(self.above, |place| place.above).any(|place| place.id == self.id)
    }
}

struct Walk<'a> {
    root: &'a Utf8Path,
    rules: Rules,
    files_max: usize,
    found: Vec<Found>,
    warnings: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Utf8Path, rules: Rules, files_max: usize) -> Self {
        Self {
            root,
            rules,
            files_max,
            found: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Hashes what was found.
    fn read(self) -> Result<Scan> {
        let Self {
            root,
            mut found,
            warnings,
            ..
        } = self;
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        // A path may be named twice, or lie in a folder that is named as well.
        found.dedup_by(|a, b| a.path == b.path);
        let weight = found.iter().map(|file| file.size).sum();
        let entries = parallel::map(&found, weight, |file| file.read(root))?;
        let manifest = Manifest {
            entries: entries.into_iter().flatten().collect(),
        };
        Ok(Scan {
            root: root.to_owned(),
            total_bytes: manifest.total_bytes(),
            manifest,
            warnings,
        })
    }

    fn folder(&mut self, folder: &Utf8Path, verdict: Verdict, place: &Place<'_>) -> Result<()> {
        let entries = match fs_err::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != "" => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            self.visit(&entry?, folder, verdict, place)?;
        }
        Ok(())
    }

    fn visit(
        &mut self,
        entry: &fs_err::DirEntry,
        folder: &Utf8Path,
        verdict: Verdict,
        place: &Place<'_>,
    ) -> Result<()> {
        let name = entry.file_name();
        // Judged before it is known to be usable, so that an unusable name can be ignored.
        let path = folder.join(&*name.to_string_lossy());
        let metadata = metadata_of(entry);
        let is_dir = metadata.as_ref().is_ok_and(Metadata::is_dir);
        if is_dir && (name == OWN_FOLDER || is_data_folder(&self.root.join(&path))) {
            return Ok(());
        }
        let verdict = self.rules.verdict(verdict, &path, is_dir);
        if verdict.ignored() && (!is_dir || self.rules.nothing_within(verdict)) {
            return Ok(());
        }
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(Error::File(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(Error::BrokenLink { target }) => {
                self.leave_out(
                    &path,
                    &format!("is a link to `{target}`, which is not there,"),
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if name.to_str().is_none() {
            self.leave_out(&path, "has a name that is not UTF-8");
            return Ok(());
        }
        if let Some(fault) = manifest::path_fault(path.as_str()) {
            self.leave_out(&path, &format!("has a name that {fault}"));
            return Ok(());
        }
        if is_dir {
            let place = Place::of(&metadata, Some(place));
            if place.is_below_itself() {
                self.leave_out(&path, "is a link to a folder that it lies in");
                return Ok(());
            }
            return self.folder(&path, verdict, &place);
        }
        self.file(path, &metadata)
    }

    fn file(&mut self, path: Utf8PathBuf, metadata: &Metadata) -> Result<()> {
        if !metadata.is_file() {
            self.leave_out(&path, "is a socket, a pipe or a device");
            return Ok(());
        }
        if let Some(fault) = manifest::path_fault(path.as_str()) {
            return Err(self.bad_name(&path, fault));
        }
        self.found.push(Found {
            path,
            size: metadata.len(),
            executable: metadata.permissions().mode() & 0o100 != 0,
        });
        if self.found.len() > self.files_max {
            let seen = self.found.iter().map(|file| &file.path);
            return Err(limits::too_many_files(self.root, self.files_max, seen));
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &Utf8Path, fault: &str) {
        let path = self.root.join(path);
        let shown = path.as_str().escape_debug();
        self.warnings
            .push(format!("`{shown}` {fault} and was left out"));
    }

    fn bad_name(&self, path: &Utf8Path, fault: &'static str) -> Error {
        Error::Name {
            path: self.root.join(path).as_str().escape_debug().to_string(),
            fault,
        }
    }
}

/// What lies behind an entry, through links.
fn metadata_of(entry: &fs_err::DirEntry) -> Result<Metadata> {
    if !entry.file_type()?.is_symlink() {
        return Ok(entry.metadata()?);
    }
    let path = entry.path();
    fs_err::metadata(&path).map_err(|_| Error::BrokenLink {
        target: fs_err::read_link(&path).map_or_else(
            |error| error.to_string(),
            |target| target.display().to_string(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::testing::Folder;

    fn paths(folder: &Folder) -> Vec<String> {
        let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
        let entries = scan.manifest.entries.into_iter();
        entries.map(|entry| entry.path.into_string()).collect()
    }

    fn warnings(folder: &Folder) -> Vec<String> {
        let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
        let warnings = scan.warnings.iter();
        let shown = warnings.map(|text| text.replace(folder.path().as_str(), "src"));
        let mut shown: Vec<String> = shown.collect();
        shown.sort();
        shown
    }

    #[test]
    fn of_a_file_that_grows_what_was_found_is_kept() {
        let folder = Folder::with(&[("train.log", "one\n")]);
        let objects = Folder::with(&[]);
        let cas = crate::cas::Cas::open(objects.path()).expect("opened");
        let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
        folder.write("train.log", "one\ntwo\n");
        let snapshot = crate::snapshot::store(&cas, &scan).expect("what was there is stored");
        let manifest = crate::snapshot::load(&cas, &snapshot).expect("there");
        let stored = cas.read(&manifest.entries[0].digest).expect("there");
        assert_eq!(stored, b"one\n");
    }

    #[test]
    fn a_file_that_is_gone_before_it_is_read_was_not_there() {
        let folder = Folder::with(&[("a.py", "a")]);
        let found = |path: &str| Found {
            path: path.into(),
            size: 1,
            executable: false,
        };
        assert!(found("a.py").read(folder.path()).expect("read").is_some());
        assert!(
            found(".tmp1")
                .read(folder.path())
                .expect("no error")
                .is_none()
        );
    }

    #[test]
    fn named_paths_are_read_whole_whatever_ignore_files_say() {
        let folder = Folder::with(&[
            ("net/.amlignore", "*"),
            (".amlignore", "*"),
            ("net/weights.bin", "w"),
            ("net/deep/config", "c"),
            ("other", "o"),
        ]);
        let read = |paths: &[&str]| {
            let paths: Vec<Utf8PathBuf> = paths.iter().map(Into::into).collect();
            scan_paths(folder.path(), &paths, ScanOptions::default())
        };
        let names = |scan: Scan| {
            let entries = scan.manifest.entries.into_iter();
            let names: Vec<String> = entries.map(|entry| entry.path.into_string()).collect();
            names.join(" ")
        };
        let whole = read(&["net", "net/deep"]).expect("read");
        assert_eq!(
            names(whole),
            "net/.amlignore net/deep/config net/weights.bin"
        );
        let one = read(&["other"]).expect("read");
        assert_eq!(names(one), "other");
        std::fs::create_dir(folder.path().join("empty")).expect("made");
        for (wrong, word) in [
            ("none", "none"),
            ("../other", "`..`"),
            ("empty", "holds no files"),
        ] {
            let error = read(&[wrong]).expect_err(wrong).to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn one_ignore_file_at_the_root_counts_and_all_else_is_content() {
        let files = [
            ("train.py", ""),
            ("__pycache__/train.pyc", ""),
            (".git/HEAD", ""),
            (".stepwell/db", ""),
            ("mydata/token", "secret"),
            ("mydata/stepwell.db", ""),
            ("mydata/runs/1/files/x", ""),
            ("inner/.stepwell/db", ""),
            ("inner/.gitignore", "*"),
            ("inner/x.log", ""),
            ("y.csv", ""),
        ];
        let folder = Folder::with(&files);
        let all = ".git/HEAD __pycache__/train.pyc inner/.gitignore inner/x.log train.py y.csv";
        assert_eq!(paths(&folder).join(" "), all);
        folder.write(".gitignore", "*.log\n.git\n");
        assert_eq!(
            paths(&folder).join(" "),
            ".gitignore __pycache__/train.pyc inner/.gitignore train.py y.csv"
        );
        folder.write(".amlignore", "*.csv\n.*ignore\n/inner/\n");
        assert_eq!(
            paths(&folder).join(" "),
            ".git/HEAD __pycache__/train.pyc train.py"
        );
    }

    #[test]
    fn only_paths_contents_and_executable_bits_make_the_manifest() {
        let one = Folder::with(&[("a/x", "1"), ("a-b", "2"), ("z", "3")]);
        let other = Folder::with(&[("z", "3"), ("a-b", "2"), ("a/x", "1")]);
        fs_err::create_dir_all(other.path().join("empty/inner")).expect("made");
        let past = std::time::SystemTime::UNIX_EPOCH;
        let file = fs_err::File::options()
            .write(true)
            .open(other.path().join("z"));
        file.expect("there").set_modified(past).expect("set");
        let manifest = |folder: &Folder| {
            let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
            assert_eq!(scan.total_bytes, 3);
            scan.manifest
        };
        assert_eq!(manifest(&one), manifest(&other));
        let bytes = manifest(&one).encode();
        assert_eq!(Manifest::decode(&bytes), Ok(manifest(&one)));
        other.chmod("z", 0o755);
        assert_ne!(manifest(&one), manifest(&other));
    }

    #[test]
    fn links_are_followed_unless_they_lead_back_or_nowhere() {
        let outside = Folder::with(&[("data/deep/d.csv", "1,2")]);
        let folder = Folder::with(&[("src/a.py", "a")]);
        let link = |to: &Utf8Path, at: &str| symlink(to, folder.path().join(at)).expect("linked");
        link(&outside.path().join("data"), "data");
        link("a.py".into(), "src/b.py");
        link("..".into(), "src/up");
        let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
        let bytes: Vec<_> = scan
            .manifest
            .entries
            .iter()
            .map(|e| (e.path.as_str(), e.size))
            .collect();
        assert_eq!(
            bytes,
            [("data/deep/d.csv", 3), ("src/a.py", 1), ("src/b.py", 1)]
        );
        insta::assert_snapshot!(
            scan.warnings.join("\n").replace(folder.path().as_str(), "src"), @"`src/src/up` is a link to a folder that it lies in and was left out"
        );

        link("gone.py".into(), "src/c.py");
        let said = warnings(&folder);
        insta::assert_snapshot!(said[0], @"`src/src/c.py` is a link to `gone.py`, which is not there, and was left out");
        folder.write(".amlignore", "src/c.py");
        assert_eq!(warnings(&folder).len(), 1);
    }

    #[test]
    fn what_has_no_content_is_left_out_with_a_warning() {
        let folder = Folder::with(&[("a.py", "")]);
        let _socket = UnixListener::bind(folder.path().join("socket")).expect("bound");
        let scan = scan(folder.path(), ScanOptions::default()).expect("scanned");
        assert_eq!(scan.manifest.entries.len(), 1);
        assert_eq!(scan.warnings.len(), 1);
    }

    #[test]
    fn names_that_cannot_be_kept_are_left_out_with_a_warning_unless_ignored() {
        let folder = Folder::with(&[]);
        let bad = folder
            .path()
            .as_std_path()
            .join(OsStr::from_bytes(b"caf\xe9.csv"));
        fs_err::write(&bad, "").expect("written");
        insta::assert_snapshot!(warnings(&folder)[0], @"`src/caf�.csv` has a name that is not UTF-8 and was left out");
        fs_err::remove_file(bad).expect("removed");
        folder.write("two\nlines", "");
        insta::assert_snapshot!(warnings(&folder)[0], @r"`src/two\nlines` has a name that has a line break or a NUL in it and was left out");
        folder.write(".amlignore", "two*");
        assert_eq!(paths(&folder), [".amlignore"]);
        assert!(warnings(&folder).is_empty());
    }

    #[test]
    fn a_source_directory_that_is_none_is_refused() {
        let folder = Folder::with(&[("file.py", "")]);
        let refusals = ["gone", "file.py"].map(|name| {
            let error = scan(&folder.path().join(name), ScanOptions::default());
            let text = error.expect_err("refused").to_string();
            text.replace(folder.path().as_str(), "src")
        });
        insta::assert_snapshot!(refusals.join("\n"), @r"
        source directory `src/gone` does not exist
        source directory `src/file.py` is a file; name the folder it lies in
        ");
    }

    #[test]
    fn a_folder_over_a_limit_is_refused_before_it_is_read() {
        let folder = Folder::with(&[("a", "12345"), ("b", "1")]);
        let scan = |files_max, bytes_max| {
            scan(
                folder.path(),
                ScanOptions {
                    files_max,
                    bytes_max,
                },
            )
            .map(|scan| scan.total_bytes)
        };
        assert_eq!(scan(2, Some(6)).expect("at the limits"), 6);
        assert!(matches!(scan(1, None), Err(Error::TooLarge { .. })));
        assert!(matches!(scan(2, Some(5)), Err(Error::TooLarge { .. })));
    }
}
