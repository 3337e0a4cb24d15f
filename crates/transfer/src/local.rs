//! Files of this machine: copied without leaving the kernel, and written aside before they get
//! their name.
//!
//! A file is cloned where the file system can (`FICLONE`), else copied by `copy_file_range`, else
//! read and written. A small one is written to a file without a name (`O_TMPFILE`), which a kill
//! leaves nothing of; a large one, or where there are no such files, to a part file beside its
//! target, which a later copy goes on with.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use stepwell_data::folder::INCOMING_PREFIX;

use crate::{Error, Result};

/// From this size on a file is written to a part file, so that a killed copy goes on.
pub(crate) const LARGE: u64 = 64 << 20;

/// How much of a large file is copied between two looks at whether to stop.
pub(crate) const CHUNK: u64 = 64 << 20;

/// How many characters of a digest name a part file.
const DIGITS: usize = 16;

/// Where a file is written before it gets its name.
pub(crate) fn part_file(target: &Utf8Path) -> Utf8PathBuf {
    let digest = blake3::hash(target.as_str().as_bytes()).to_hex();
    target.with_file_name(format!("{INCOMING_PREFIX}{}", &digest[..DIGITS]))
}

/// Makes the folder of a file. With a root, nothing on the way below it may be a link.
pub(crate) fn make_parent(target: &Utf8Path, root: Option<&Utf8Path>) -> Result<()> {
    let Some(parent) = target.parent() else {
        return Ok(());
    };
    if let Some(root) = root {
        let mut way = parent
            .ancestors()
            .take_while(|at| *at != root && at.starts_with(root));
        if let Some(link) = way.find(|at| at.is_symlink()) {
            let error = std::io::Error::other("it is a link, and may lead out of the datastore");
            return Err(Error::file("write below", link, &error));
        }
    }
    std::fs::create_dir_all(parent).map_err(|error| Error::file("make", parent, &error))
}

/// Opens a file to read.
pub(crate) fn open(path: &Utf8Path) -> Result<File> {
    File::open(path).map_err(|error| Error::file("read", path, &error))
}

/// Opens a file to read it from first to last byte: the kernel reads further ahead than otherwise.
pub(crate) fn open_in_order(path: &Utf8Path) -> Result<File> {
    let file = open(path)?;
    // It is only advice.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
    Ok(file)
}

/// Reads a part of a file.
pub(crate) fn read_part(file: &File, path: &Utf8Path, range: &Range<u64>) -> Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, range.start) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(Error::Changed(format!("`{path}`")))
        }
        Err(error) => Err(Error::file("read", path, &error)),
    }
}

/// Puts a few bytes under a name, at once.
pub(crate) fn put(target: &Utf8Path, bytes: &[u8]) -> Result<()> {
    write_aside(target, |file| file.write_all(bytes))
}

/// Copies a small file.
pub(crate) fn copy_small(source: &Utf8Path, target: &Utf8Path, is_new: bool) -> Result<()> {
    let from = open(source)?;
    let about = from
        .metadata()
        .map_err(|error| Error::file("read", source, &error))?;
    let copy = |file: &mut File| {
        copy_range(&from, file, 0..about.len())?;
        keep_attributes(&about, file)
    };
    match is_new {
        true => write_unnamed(target, copy),
        false => write_aside(target, copy),
    }
}

/// The mode and the time of a file, as `cp -p` keeps them: a later incremental copy compares times.
pub(crate) fn keep_attributes(about: &std::fs::Metadata, file: &File) -> std::io::Result<()> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(about.mode() & 0o777))?;
    let modified = about.modified()?;
    file.set_modified(modified)
}

/// Writes a file without a name, then gives it one that is not taken.
fn write_unnamed(
    target: &Utf8Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()> + Clone,
) -> Result<()> {
    let failed = |error: std::io::Error| Error::file("write", target, &error);
    let folder = target.parent().unwrap_or(Utf8Path::new("."));
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder.as_std_path(), flags, Mode::from_raw_mode(0o666));
    let Ok(descriptor) = opened else {
        // Not every file system has files without a name.
        return write_aside(target, write);
    };
    let mut file = File::from(descriptor);
    write.clone()(&mut file).map_err(failed)?;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
    let linked = rustix::fs::linkat(
        CWD,
        format!("/proc/self/fd/{descriptor}"),
        CWD,
        target.as_std_path(),
        AtFlags::SYMLINK_FOLLOW,
    );
    match linked {
        Ok(()) => Ok(()),
        Err(_) => write_aside(target, write),
    }
}

/// Writes a file under another name, then gives it its own.
fn write_aside(
    target: &Utf8Path,
    write: impl FnOnce(&mut File) -> std::io::Result<()>,
) -> Result<()> {
    let part = part_file(target);
    let failed = |error: std::io::Error| Error::file("write", target, &error);
    let written = File::create(&part).and_then(|mut file| write(&mut file));
    let named = written.and_then(|()| std::fs::rename(&part, target));
    named.map_err(|error| {
        // Nothing half-written stays.
        drop(std::fs::remove_file(&part));
        failed(error)
    })
}

/// Opens the part file of a large file; what is in it stays.
pub(crate) fn open_part(part: &Utf8Path) -> Result<File> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o666);
    options
        .open(part)
        .map_err(|error| Error::file("write", part, &error))
}

/// Removes the part file of another copy. To cut it to nothing would do as well, but ext4 writes such a
/// file to the disk when it is closed, which took as long as the copy.
pub(crate) fn remove_part(part: &Utf8Path) -> Result<()> {
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("write", part, &error))
        }
        _ => Ok(()),
    }
}

/// Gives a part file its name.
pub(crate) fn give_name(part: &Utf8Path, target: &Utf8Path) -> Result<()> {
    std::fs::rename(part, target).map_err(|error| Error::file("write", target, &error))
}

/// Whether a clone of the file could be made, which is there at once and takes no space.
pub(crate) fn clone(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

/// Copies a range to the same place of another file, in the kernel where that works.
pub(crate) fn copy_range(from: &File, to: &mut File, range: Range<u64>) -> std::io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let (mut read, mut write) = (at, at);
        let length = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut read), &*to, Some(&mut write), length) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(copied) => at += copied as u64,
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                return read_and_write(from, to, at..range.end);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn read_and_write(mut from: &File, to: &mut File, range: Range<u64>) -> std::io::Result<()> {
    from.seek(SeekFrom::Start(range.start))?;
    to.seek(SeekFrom::Start(range.start))?;
    let length = range.end - range.start;
    match std::io::copy(&mut from.take(length), to)? == length {
        true => Ok(()),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Whether a range is the same in both files.
pub(crate) fn is_same(a: &File, b: &File, range: Range<u64>) -> std::io::Result<bool> {
    const BLOCK: usize = 1 << 20;
    let (mut one, mut other) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut at = range.start;
    while at < range.end {
        let length = BLOCK.min(usize::try_from(range.end - at).unwrap_or(BLOCK));
        a.read_exact_at(&mut one[..length], at)?;
        b.read_exact_at(&mut other[..length], at)?;
        if one[..length] != other[..length] {
            return Ok(false);
        }
        at += length as u64;
    }
    Ok(true)
}
