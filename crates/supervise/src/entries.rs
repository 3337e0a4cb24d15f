//! What a step leaves that is no plain file: links, pipes, sockets, names that are not UTF-8.
//!
//! One rule, which is that of snapshots: what a link names is what counts, so a link is replaced by a
//! copy of it; a link that leads nowhere, or back to a folder that it lies in, and what has no
//! content are left out with a warning. A name that is not UTF-8 is written with `%` and the number of
//! each byte that is not. So whoever reads the outputs later meets files and folders only.
//!
//! Invariant: whatever is changed or left out is said in a warning; no other entry suffers by it.

use std::ffi::OsStr;
use std::fs::FileType;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::Spec;
use crate::collect::KEPT;

/// The longest path that is kept. The kernel takes 4,095 bytes and a name has at most 255, so the first
/// path that is longer than this can still be named, and removed.
const PATH_BYTES_MAX: usize = 3800;
/// As many warnings as a person reads.
const WARNINGS_MAX: usize = 20;

/// Makes plain what the step has left, and gives the warnings.
pub(crate) fn make_plain(spec: &Spec) -> Vec<String> {
    // A kept folder that is a link is not what was made for the step, and is refused later.
    let is_own = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|kind| kind.is_dir());
    let mut roots: Vec<PathBuf> = KEPT
        .iter()
        .map(|kept| spec.work_dir.join(kept).into_std_path_buf())
        .filter(is_own)
        .collect();
    for output in &spec.outputs {
        let place = match (&output.upload_from, &output.staged) {
            (Some(source), _) => spec.work_dir.join(source),
            (None, Some(staged)) => staged.clone(),
            (None, None) => output.path.clone(),
        };
        roots.push(place.into_std_path_buf());
    }
    let mut walk = Walk::default();
    for root in &roots {
        if fs::symlink_metadata(root).is_ok() {
            walk.shown_from = root.parent().map(Path::to_owned).unwrap_or_default();
            walk.visit(root);
        }
    }
    if spec.work_dir.join("mlruns").is_dir() {
        walk.warnings.push(
            "the script wrote `mlruns`, where MLflow keeps runs of its own; it is not kept, and its \
             metrics and models are not those of this run: let MLflow log to where its variable \
             `MLFLOW_TRACKING_URI` says, without another `set_tracking_uri`"
                .to_owned(),
        );
    }
    let more = walk.warnings.len().saturating_sub(WARNINGS_MAX);
    if more > 0 {
        walk.warnings.truncate(WARNINGS_MAX);
        walk.warnings.push(format!("and {more} more of this kind"));
    }
    walk.warnings
}

#[derive(Default)]
struct Walk {
    /// The folder that paths in warnings are relative to.
    shown_from: PathBuf,
    warnings: Vec<String>,
}

impl Walk {
    /// Makes an entry plain; a failure concerns this entry alone.
    fn visit(&mut self, path: &Path) {
        let visited = fs::symlink_metadata(path)
            .and_then(|metadata| self.visit_kind(path, metadata.file_type()));
        if let Err(error) = visited {
            self.warn(path, &format!("could not be read: {error}"));
        }
    }

    fn visit_kind(&mut self, path: &Path, kind: FileType) -> io::Result<()> {
        if kind.is_symlink() {
            return self.follow(path);
        }
        if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
            fs::remove_file(path)?;
            self.warn(path, "is a pipe, a socket or a device and was left out");
            return Ok(());
        }
        if kind.is_dir() {
            let mut names = Vec::new();
            for entry in fs::read_dir(path)? {
                names.push(entry?.file_name());
            }
            for name in names {
                self.visit_named(path, &name);
            }
        }
        Ok(())
    }

    fn visit_named(&mut self, folder: &Path, name: &OsStr) {
        let path = folder.join(name);
        if path.as_os_str().len() > PATH_BYTES_MAX {
            // Removed by steps from folder to folder, which have no long paths.
            let removed = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
            let fate = if removed.is_ok() {
                "was left out"
            } else {
                "cannot be read"
            };
            self.warn(folder, &format!("holds a path that is too long and {fate}"));
            return;
        }
        let Some(writable) = writable_name(name) else {
            self.visit(&path);
            return;
        };
        let renamed = folder.join(&writable);
        if fs::symlink_metadata(&renamed).is_ok() {
            self.warn(&path, "has a name that is not UTF-8 and was left out");
            let _ = fs::remove_file(&path);
        } else if let Err(error) = fs::rename(&path, &renamed) {
            self.warn(&path, &format!("has a name that is not UTF-8: {error}"));
        } else {
            self.warn(
                &path,
                &format!("has a name that is not UTF-8; it is kept as `{writable}`"),
            );
            self.visit(&renamed);
        }
    }

    /// Puts what a link names in its place.
    fn follow(&mut self, link: &Path) -> io::Result<()> {
        let names = fs::read_link(link)?;
        let Ok(target) = fs::canonicalize(link) else {
            fs::remove_file(link)?;
            let fault = format!(
                "is a link to `{}`, which is not there, and was left out",
                names.display()
            );
            self.warn(link, &fault);
            return Ok(());
        };
        let folder = link.parent().map(fs::canonicalize).transpose()?;
        if folder.is_some_and(|folder| folder.starts_with(&target)) {
            fs::remove_file(link)?;
            self.warn(
                link,
                "is a link to a folder that it lies in and was left out",
            );
            return Ok(());
        }
        let aside = aside(link);
        let copied = copy(&target, &aside);
        match copied {
            Ok(()) => {
                fs::remove_file(link)?;
                fs::rename(&aside, link)?;
            }
            Err(error) => {
                let _ = std::fs::remove_dir_all(&aside).or_else(|_| std::fs::remove_file(&aside));
                return Err(error);
            }
        }
        // A copied folder may hold links itself.
        self.visit(link);
        Ok(())
    }

    fn warn(&mut self, path: &Path, fault: &str) {
        let shown = path.strip_prefix(&self.shown_from).unwrap_or(path);
        let shown = shown.to_string_lossy();
        // The beginning of a very long path says where it is.
        let end = shown.floor_char_boundary(200);
        let dots = if end < shown.len() { "…" } else { "" };
        self.warnings
            .push(format!("`{}{dots}` {fault}", &shown[..end]));
    }
}

/// A UTF-8 name for one that is not; `None` if the name is UTF-8.
fn writable_name(name: &OsStr) -> Option<String> {
    if name.to_str().is_some() {
        return None;
    }
    let mut made = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        made.push_str(chunk.valid());
        for byte in chunk.invalid() {
            made.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(made)
}

/// A place beside `link` for what takes its place.
fn aside(link: &Path) -> PathBuf {
    let mut name = OsStr::new(".stepwell-").to_owned();
    name.push(std::process::id().to_string());
    link.with_file_name(name)
}

/// Copies a file, or a folder with links as they are.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
    } else if kind.is_symlink() {
        // Made absolute, since it now stands elsewhere.
        let target = fs::canonicalize(from).or_else(|_| fs::read_link(from))?;
        std::os::unix::fs::symlink(target, to)?;
    } else if kind.is_file() {
        fs::copy(from, to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn plain(root: &Path) -> String {
        let mut walk = Walk {
            shown_from: root.to_owned(),
            ..Walk::default()
        };
        walk.visit(&root.join("out"));
        walk.warnings.sort();
        walk.warnings.join("\n")
    }

    fn room() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("there");
        fs::create_dir(root.join("out")).expect("made");
        (folder, root)
    }

    #[test]
    fn links_are_replaced_by_what_they_name() {
        let (_keep, root) = room();
        let out = root.join("out");
        fs::create_dir(root.join("elsewhere")).expect("made");
        fs::write(root.join("elsewhere/w"), "w").expect("written");
        symlink("w", root.join("elsewhere/again")).expect("linked");
        fs::write(out.join("epoch9"), "weights").expect("written");
        symlink("epoch9", out.join("last")).expect("linked");
        symlink("../elsewhere", out.join("best")).expect("linked");
        assert_eq!(plain(&root), "");
        for (path, text) in [("last", "weights"), ("best/w", "w"), ("best/again", "w")] {
            let path = out.join(path);
            assert!(
                fs::symlink_metadata(&path).expect("there").is_file(),
                "{path:?}"
            );
            assert_eq!(fs::read_to_string(path).expect("read"), text);
        }
        assert_eq!(fs::read_dir(&out).expect("there").count(), 3);
    }

    #[test]
    fn what_has_no_content_is_left_out_and_said() {
        let (_keep, root) = room();
        let out = root.join("out");
        symlink("gone", out.join("dangling")).expect("linked");
        symlink("..", out.join("up")).expect("linked");
        symlink("circle", out.join("circle")).expect("linked");
        let _socket = std::os::unix::net::UnixListener::bind(out.join("socket")).expect("bound");
        fs::write(out.join("model"), "m").expect("written");
        insta::assert_snapshot!(plain(&root), @r"
        `out/circle` is a link to `circle`, which is not there, and was left out
        `out/dangling` is a link to `gone`, which is not there, and was left out
        `out/socket` is a pipe, a socket or a device and was left out
        `out/up` is a link to a folder that it lies in and was left out
        ");
        assert_eq!(fs::read_dir(&out).expect("there").count(), 1);
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_written_so_that_it_is() {
        let (_keep, root) = room();
        let out = root.join("out");
        fs::write(out.join(OsStr::from_bytes(b"Mu\xf1oz.csv")), "x").expect("written");
        let warnings = plain(&root);
        assert!(
            warnings.ends_with("it is kept as `Mu%F1oz.csv`"),
            "{warnings}"
        );
        assert_eq!(
            fs::read_to_string(out.join("Mu%F1oz.csv")).expect("read"),
            "x"
        );
    }

    #[test]
    fn a_path_that_is_too_long_is_left_out_and_nothing_else() {
        let (_keep, root) = room();
        let out = root.join("out");
        let name = "d".repeat(200);
        let mut folder = rustix::fs::openat(
            rustix::fs::CWD,
            &out,
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        )
        .expect("opened");
        for _ in 0..25 {
            rustix::fs::mkdirat(&folder, &name, rustix::fs::Mode::RWXU).expect("made");
            let flags = rustix::fs::OFlags::DIRECTORY;
            folder = rustix::fs::openat(&folder, &name, flags, rustix::fs::Mode::empty())
                .expect("opened");
        }
        fs::write(out.join("model"), "m").expect("written");
        let warnings = plain(&root);
        assert!(
            warnings.ends_with("too long and was left out"),
            "{warnings}"
        );
        assert_eq!(fs::read_to_string(out.join("model")).expect("read"), "m");
    }
}
