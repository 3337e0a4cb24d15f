//! What no datastore may be: the server's own data folder, or a part of it, or a folder that holds it.
//! The folders in it that are for datastores may be.
//!
//! Whoever may register datastores would otherwise read and change the database, the keys and the
//! runs of others through one. Links are resolved; what is not there yet counts by the folder that it
//! would be made in. A file that has a second name, by a hard link, is not noticed.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_datastore::definition::Place;

use crate::{Error, Result};

/// Refuses a place of this machine that the data folder is, or is in, or that is in it.
///
/// `stores` is the folder of it whose folders are datastores.
pub(crate) fn refuse(
    data_folder: &Utf8Path,
    stores: &Utf8Path,
    datastore: &str,
    place: &Place,
) -> Result<()> {
    let (path, what) = match place {
        Place::Local { root } => (root, "folder"),
        Place::Sqlite { file } => (file, "file"),
        Place::AzureBlob { .. }
        | Place::AzureDataLakeGen2 { .. }
        | Place::S3 { .. }
        | Place::Gcs { .. }
        | Place::PostgreSql(_)
        | Place::MySql(_)
        | Place::AzureSql(_) => return Ok(()),
    };
    let (own, asked) = (real(data_folder), real(path));
    let stores = real(stores);
    if asked.starts_with(&stores) && asked != stores {
        return Ok(());
    }
    let relation = match (asked.starts_with(&own), own.starts_with(&asked)) {
        (true, _) => "is in",
        (false, true) => "holds",
        (false, false) => return Ok(()),
    };
    Err(Error::invalid(format!(
        "the {what} `{path}` {relation} the server's own data folder, so it cannot be datastore `{datastore}`"
    ))
    .hint("name one beside the data folder; each workspace has `workspaceblobstore` within it"))
}

/// The path without links and `..`; what is not there is added to the nearest folder that is.
fn real(path: &Utf8Path) -> Utf8PathBuf {
    let (mut missing, mut up) = (Vec::new(), 0_usize);
    for at in path.ancestors() {
        if let Ok(found) = at.canonicalize_utf8() {
            let found = found.ancestors().nth(up).unwrap_or(&found);
            return missing
                .iter()
                .rev()
                .fold(found.to_owned(), |path, part| path.join(part));
        }
        match at.file_name() {
            // `..`: what is before it does not count.
            None => up += 1,
            Some(_) if up > 0 => up -= 1,
            Some(name) => missing.push(name),
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(own: &Utf8Path, place: &Place) -> String {
        refuse(own, &own.join("stores"), "mine", place)
            .map_or_else(|error| error.message, |()| String::new())
    }

    fn local(root: impl Into<Utf8PathBuf>) -> Place {
        Place::Local { root: root.into() }
    }

    fn sqlite(file: impl Into<Utf8PathBuf>) -> Place {
        Place::Sqlite { file: file.into() }
    }

    #[test]
    fn the_servers_own_folder_is_no_datastore_whatever_leads_to_it() {
        let kept = camino_tempfile::tempdir().expect("a folder");
        let top = kept.path();
        let own = top.join("data");
        fs_err::create_dir_all(own.join("runs")).expect("a folder");
        fs_err::write(own.join("stepwell.db"), "").expect("a file");
        fs_err::create_dir(top.join("beside")).expect("a folder");
        for (link, to) in [("link", "data"), ("beside/db", "../data/stepwell.db")] {
            fs_err::os::unix::fs::symlink(to, top.join(link)).expect("a link");
        }
        for place in [
            local(own.clone()),
            local(own.join("runs")),
            local(own.join("not/yet/there")),
            local(own.join("stores")),
            local(own.join("stores/../runs")),
            local(top.join("link")),
            local(top.join("link/not/yet/there")),
            local(top.join("beside/../data")),
            local(top.join("not/yet/../../data/runs")),
            sqlite(own.join("stepwell.db")),
            sqlite(own.join("new.db")),
            sqlite(top.join("beside/db")),
        ] {
            let text = refused(&own, &place);
            assert!(
                text.contains("is in the server's own data folder"),
                "{place:?}"
            );
        }
        for place in [local(top), local("/")] {
            let text = refused(&own, &place);
            assert!(
                text.contains("holds the server's own data folder"),
                "{place:?}"
            );
        }
        for place in [
            local(top.join("beside")),
            local(own.join("stores/new")),
            local(top.join("data2")),
            sqlite(top.join("new.db")),
        ] {
            assert_eq!(refused(&own, &place), "", "{place:?}");
        }
    }
}
