//! Links in the folders of local datastores: none leads a request to files outside of them.
//!
//! A step may leave links to wherever it likes. A link that stays inside is followed for reading;
//! nothing is written through any. What is listed is what can be read.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::INCOMING_PREFIX;

use crate::store::Entry;
use crate::{Datastore, Error, Result};

impl Datastore {
    /// Nothing is written through a link of a local datastore.
    pub(crate) fn refuse_links(&self, path: &str) -> Result<()> {
        let Some(root) = self.root() else {
            return Ok(());
        };
        let place = root.join(path.trim_matches('/'));
        let mut folders = place.ancestors().skip(1).take_while(|at| at != root);
        match folders.any(Utf8Path::is_symlink) {
            true => Err(self.refused(path, "a folder on the way to it is a link")),
            false => Ok(()),
        }
    }

    /// Nothing is read through a link that leads outside of a local datastore.
    pub(crate) fn refuse_outside(&self, path: &str) -> Result<()> {
        let Some(root) = self.root() else {
            return Ok(());
        };
        match is_inside(root, &root.join(path.trim_matches('/'))) {
            true => Ok(()),
            false => Err(self.refused(path, "a link on the way to it leads outside")),
        }
    }

    /// Leaves out what a request could not read, and copies that are not complete yet.
    pub(crate) fn keep_inside(&self, entries: &mut Vec<Entry>) {
        let Some(root) = self.root() else {
            return;
        };
        let incoming = |part: &str| part.starts_with(INCOMING_PREFIX);
        let mut known: HashMap<Utf8PathBuf, bool> = HashMap::new();
        entries.retain(|entry| {
            let place = root.join(&entry.path);
            let folder = place.parent().unwrap_or(root);
            let is_inside = match known.get(folder) {
                Some(known) => *known,
                None => {
                    let found = is_inside(root, folder);
                    known.insert(folder.to_owned(), found);
                    found
                }
            };
            let is_inside = is_inside && (!place.is_symlink() || self::is_inside(root, &place));
            is_inside && !entry.path.split('/').any(incoming)
        });
    }

    fn refused(&self, path: &str, fault: &str) -> Error {
        Error::Path {
            datastore: self.name().to_owned(),
            path: path.to_owned(),
            fault: fault.to_owned(),
        }
    }
}

/// Whether a path, or as much of it as exists, is below the root once all links are followed.
fn is_inside(root: &Utf8Path, place: &Utf8Path) -> bool {
    let between = || place.ancestors().take_while(|at| *at != root);
    if !between().any(Utf8Path::is_symlink) {
        return true;
    }
    let Ok(root) = root.canonicalize_utf8() else {
        return false;
    };
    // A link to nowhere resolves to nothing, and is answered as what is not there.
    let existing = between().find_map(|at| at.canonicalize_utf8().ok());
    existing.is_none_or(|existing| existing.starts_with(&root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;
    use crate::definition::Place;

    #[tokio::test]
    async fn a_link_that_leads_outside_is_neither_listed_nor_read() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let top = guard.path();
        let root = top.join("store");
        for folder in ["store/plain", "secret/deep"] {
            fs_err::create_dir_all(top.join(folder)).expect("a folder");
        }
        fs_err::write(root.join("plain/file"), "data").expect("a file");
        fs_err::write(top.join("secret/deep/token"), "secret").expect("a file");
        let link = |to: &Utf8Path, name: &str| {
            std::os::unix::fs::symlink(to, root.join(name)).expect("a link");
        };
        link(&top.join("secret"), "out");
        link(&top.join("secret/deep/token"), "out-file");
        link(&root.join("plain"), "alias");
        let incoming = format!("plain/{INCOMING_PREFIX}1/half");
        fs_err::create_dir(root.join(&incoming).parent().expect("a parent")).expect("a folder");
        fs_err::write(root.join(&incoming), "half").expect("a file");

        let store = Datastore::new("s", Place::Local { root: root.clone() }, Credentials::new());
        for path in ["out/deep/token", "out-file", "out"] {
            let error = store.files(path).await.expect_err("refused");
            assert!(matches!(error, Error::Path { .. }), "{path}: {error}");
            store.stat(path).await.expect_err("refused");
        }
        assert_eq!(store.stat("alias/file").await.expect("inside").size, 4);
        let listed = store.below("").await.expect("listed");
        let names: Vec<&str> = listed.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(names, ["alias/file", "plain/file"]);
    }
}
