//! Files that come from a server, written into a folder here.
//!
//! Invariant: no name that a server gives leads out of the folder, and a file is there whole or not
//! at all.

use std::io;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::exit::Exit;
use crate::failure::Failure;

/// Where files of these names will be below `folder`.
pub(crate) fn targets<'a>(
    folder: &Utf8Path,
    names: impl IntoIterator<Item = &'a str>,
    overwrite: bool,
) -> Result<Vec<Utf8PathBuf>, Failure> {
    let mut targets = Vec::new();
    for name in names {
        if !is_inside(name) {
            let message = format!("the server names a file `{name}`, which leads outside");
            let hint = "nothing was written; do not trust this server";
            return Err(Failure::new(Exit::Refused, message, hint));
        }
        let target = folder.join(name);
        if target.exists() && !overwrite {
            return Err(Failure::new(
                Exit::Refused,
                format!("`{target}` is there already"),
                "name another folder with --to, or pass --overwrite",
            ));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Whether a name that came from a server stays in the folder that it is joined to.
fn is_inside(name: &str) -> bool {
    let plain = |part| matches!(part, Utf8Component::Normal(_));
    !name.is_empty() && !name.contains('\0') && Utf8Path::new(name).components().all(plain)
}

/// Writes one file as it comes.
pub(crate) fn save(mut content: impl io::Read, target: &Utf8Path) -> Result<(), Failure> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    };
    fs_err::create_dir_all(folder)?;
    let mut part = tempfile::Builder::new()
        .prefix(".stepwell-part-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    io::copy(&mut content, &mut part)?;
    part.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    #[test]
    fn no_name_of_a_server_leads_outside() {
        for name in ["a", "a/b.txt", "a..b", ".hidden"] {
            assert!(is_inside(name), "{name}");
        }
        for name in ["", "/a", "../a", "a/../../b", "./a", "a\0b"] {
            assert!(!is_inside(name), "{name}");
        }
    }
}
