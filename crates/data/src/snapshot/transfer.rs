//! Moving snapshots into the store and out of it.

use std::io::{self, Read as _};

use camino::Utf8Path;
use fs_err::os::unix::fs::OpenOptionsExt;
use stepwell_model::Digest;

use super::manifest::{self, Entry, Manifest};
use super::scan::Scan;
use crate::cas::Cas;
use crate::hash::{self, CopyFault};
use crate::{Error, Result, parallel};

/// Stores the files of `scan` that are not in the store yet, then the manifest; its digest is the
/// snapshot's id.
///
/// The manifest comes last, so a snapshot whose manifest is there is there as a whole.
///
/// # Errors
///
/// [`Error::Changed`] when a file is no longer as it was scanned; else when reading or writing
/// fails. Files stored by then stay, and are not stored again by the next try.
pub fn store(cas: &Cas, scan: &Scan) -> Result<Digest> {
    parallel::map(&scan.manifest.entries, scan.total_bytes, |entry| {
        cas.put_file_as(&entry.digest, &scan.path_of(entry), entry.size)
    })?;
    cas.put_bytes(&scan.manifest.encode())
}

/// The manifest of a snapshot.
///
/// # Errors
///
/// [`Error::Absent`] when there is none, [`Error::NotAManifest`] when the object is another thing.
pub fn load(cas: &Cas, snapshot: &Digest) -> Result<Manifest> {
    Manifest::decode(&cas.read(snapshot)?).map_err(|source| Error::NotAManifest {
        digest: *snapshot,
        source,
    })
}

/// Whether an object looks like a snapshot's manifest. It reads no more than its first line.
#[must_use]
pub fn is_one(cas: &Cas, object: &Digest) -> bool {
    let mut beginning = vec![0; manifest::HEADER.len()];
    fs_err::File::open(cas.path_of(object))
        .is_ok_and(|mut file| file.read_exact(&mut beginning).is_ok())
        && beginning == manifest::HEADER.as_bytes()
}

/// Writes the files of a snapshot into the folder `dest`, which is made if it is not there.
///
/// Files are copied, by copy-on-write where the file system can, and never linked: a script may
/// write to its own folder. Files of the same name are replaced and others left alone, so a
/// materialisation that was interrupted is completed by doing it again. `dest` must not hold
/// folders that are links, as what is written follows them.
///
/// # Errors
///
/// [`Error::Absent`] or [`Error::Damaged`] when the store lacks a file's content; else when
/// writing fails.
pub fn materialise(cas: &Cas, snapshot: &Digest, dest: &Utf8Path) -> Result<()> {
    let manifest = load(cas, snapshot)?;
    fs_err::create_dir_all(dest)?;
    let mut made: Option<&Utf8Path> = None;
    for entry in &manifest.entries {
        let folder = manifest::folder_of(&entry.path);
        if folder != made
            && let Some(folder) = folder
        {
            fs_err::create_dir_all(dest.join(folder))?;
            made = Some(folder);
        }
    }
    parallel::map(&manifest.entries, manifest.total_bytes(), |entry| {
        write(cas, entry, &dest.join(&entry.path))
    })?;
    Ok(())
}

/// Whether a folder holds the files of a snapshot with their content; others are not looked at.
///
/// # Errors
///
/// When the snapshot, or a file, cannot be read.
pub fn holds(cas: &Cas, snapshot: &Digest, folder: &Utf8Path) -> Result<bool> {
    let manifest = load(cas, snapshot)?;
    let same = parallel::map(&manifest.entries, manifest.total_bytes(), |entry| {
        let file = fs_err::File::open(folder.join(&entry.path))?;
        Ok(hash::of_reader(file)?.0 == entry.digest)
    })?;
    Ok(same.into_iter().all(|same| same))
}

/// Writes one file; its mode is right from the start, less what the umask takes.
fn write(cas: &Cas, entry: &Entry, path: &Utf8Path) -> Result<()> {
    let object = cas.path_of(&entry.digest);
    let from = fs_err::File::open(&object).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Absent(entry.digest),
        _ => Error::File(error),
    })?;
    let to = create(path, if entry.executable { 0o755 } else { 0o644 })?;
    // Every byte is checked: a step must not run with what a failing disk made of its files.
    let found = if reflink_copy::reflink_file(from.file(), to.file()).is_ok() {
        hash::of_reader(from.file())?.0
    } else {
        // What a failed clone leaves is unspecified.
        to.set_len(0)?;
        hash::copy(from.file(), to.file()).map_err(|fault| match fault {
            CopyFault::Read(error) => Error::File(error),
            CopyFault::Write(error) => Error::writing(path)(error),
        })?
    };
    match found == entry.digest {
        true => Ok(()),
        false => Err(cas.damaged(&entry.digest)),
    }
}

/// A new, empty file at `path`, in place of one that is there; never through a link.
fn create(path: &Utf8Path, mode: u32) -> Result<fs_err::File> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs_err::remove_file(path)?;
            Ok(options.open(path)?)
        }
        file => Ok(file?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::snapshot::{ScanOptions, scan};
    use crate::testing::Folder;

    fn scanned(folder: &Folder) -> Scan {
        scan(folder.path(), ScanOptions::default()).expect("scanned")
    }

    #[test]
    fn a_snapshot_is_written_out_as_it_was_and_writing_to_it_spares_the_store() {
        let source = Folder::with(&[("a/b/deep.txt", "deep"), ("empty", ""), ("run.sh", "#!")]);
        source.chmod("run.sh", 0o700);
        let (store_folder, dest) = (Folder::with(&[]), Folder::with(&[]));
        let cas = Cas::open(store_folder.path()).expect("opened");
        let snapshot = store(&cas, &scanned(&source)).expect("stored");
        let dest = dest.path().join("work");
        materialise(&cas, &snapshot, &dest).expect("written");

        let again = scan(&dest, ScanOptions::default()).expect("scanned");
        assert_eq!(again.manifest, load(&cas, &snapshot).expect("loaded"));
        let mode = |path: &str| {
            fs_err::metadata(dest.join(path))
                .expect("there")
                .permissions()
                .mode()
        };
        assert_eq!(mode("run.sh") & 0o700, 0o700);
        assert_eq!(mode("empty") & 0o700, 0o600);

        fs_err::write(dest.join("a/b/deep.txt"), "scribble").expect("writable");
        materialise(&cas, &snapshot, &dest).expect("the store is as it was");
        let text = fs_err::read_to_string(dest.join("a/b/deep.txt")).expect("there");
        assert_eq!(text, "deep");
    }

    #[test]
    fn a_file_that_changed_after_the_scan_is_not_stored() {
        let source = Folder::with(&[("log.txt", "one line")]);
        let store_folder = Folder::with(&[]);
        let cas = Cas::open(store_folder.path()).expect("opened");
        let scan = scanned(&source);
        source.write("log.txt", "two lines");
        let error = store(&cas, &scan).expect_err("refused");
        assert!(matches!(error, Error::Changed(path) if path.ends_with("log.txt")));
        let usage = crate::disk::usage(store_folder.path()).expect("counted");
        assert_eq!(usage.files, 0);
    }

    #[test]
    fn many_can_store_one_tree_at_once() {
        let source = Folder::with(&[]);
        for index in 0..200 {
            source.write(&format!("{}/{index}", index % 7), &index.to_string());
        }
        let store_folder = Folder::with(&[]);
        let cas = Cas::open(store_folder.path()).expect("opened");
        let scan = scanned(&source);
        let ids: Vec<Digest> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| store(&cas, &scan))).collect();
            let stored = |writer: std::thread::ScopedJoinHandle<'_, Result<Digest>>| {
                writer.join().expect("no panic").expect("stored")
            };
            writers.into_iter().map(stored).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]));
        // 200 files and the manifest, nothing aside.
        let usage = crate::disk::usage(store_folder.path()).expect("counted");
        assert_eq!(usage.files, 201);
        materialise(&cas, &ids[0], &store_folder.path().join("out")).expect("whole");
    }

    #[test]
    fn what_the_store_lacks_is_named() {
        let source = Folder::with(&[("a", "content")]);
        let store_folder = Folder::with(&[]);
        let cas = Cas::open(store_folder.path()).expect("opened");
        let snapshot = store(&cas, &scanned(&source)).expect("stored");
        let object = load(&cas, &snapshot).expect("loaded").entries[0].digest;
        let dest = store_folder.path().join("out");

        fs_err::remove_file(cas.path_of(&object)).expect("removed");
        let error = materialise(&cas, &snapshot, &dest).expect_err("absent");
        assert!(matches!(error, Error::Absent(digest) if digest == object));

        // Of the same length as well: only its bytes tell.
        for bytes in ["cut", "CONTENT"] {
            fs_err::write(cas.path_of(&object), bytes).expect("damaged");
            let error = materialise(&cas, &snapshot, &dest).expect_err("damaged");
            assert!(matches!(error, Error::Damaged { digest, .. } if digest == object));
            assert_eq!(cas.missing(&[object]), [object], "it comes anew");
        }
        assert_eq!(store(&cas, &scanned(&source)).expect("stored"), snapshot);
        materialise(&cas, &snapshot, &dest).expect("mended");

        let error = load(&cas, &cas.put_bytes(b"text").expect("stored")).expect_err("no manifest");
        assert!(matches!(error, Error::NotAManifest { .. }));
    }
}
