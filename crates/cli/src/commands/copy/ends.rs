//! The ends of a copy: which datastore or which path of this machine a text names.

use std::sync::Arc;

use camino::Utf8PathBuf;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_datastore::definition::Place as Location;
use stepwell_datastore::vault::Vault;
use stepwell_datastore::{Credentials, Datastore};
use stepwell_transfer::End;

use crate::discover::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select::meant;
use crate::session::Context;

/// The datastores of the folder's workspace.
pub(super) struct Known<'a> {
    context: &'a Context,
}

impl<'a> Known<'a> {
    pub(super) const fn new(context: &'a Context) -> Self {
        Self { context }
    }

    /// The end that a text names.
    pub(super) async fn end(&self, text: &str) -> Result<End, Failure> {
        match datastore_of(text) {
            Some((name, path)) => Ok(End::on(self.datastore(name).await?, path)),
            None => {
                let path = self.context.folder.join(text);
                Ok(End::plain(&plain(&path)))
            }
        }
    }

    async fn datastore(&self, name: &str) -> Result<Arc<Datastore>, Failure> {
        let folder = match self.context.place()? {
            Place::Local(home) => DataFolder::new(home.data_folder),
            Place::Remote { url, .. } => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("only the server at {url} can open its datastore `{name}`"),
                    "copy there with a DataTransferStep, or unset STEPWELL_URL to use the datastores \
                     of this machine",
                ));
            }
        };
        if LOCAL_DATASTORES.contains(&name) {
            let root = folder.datastore(name);
            let own = Datastore::new(name, Location::Local { root }, Credentials::new());
            return Ok(Arc::new(own));
        }
        let rows = match folder.database().exists() {
            true => stepwell_store::peek(&folder.database(), stepwell_store::datastores::list)?,
            false => Vec::new(),
        };
        let Some(row) = rows.iter().find(|row| row.name == name) else {
            let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            names.extend(LOCAL_DATASTORES);
            return Err(unknown(name, &names));
        };
        let location = serde_json::from_str(&row.definition_json).map_err(|_| {
            let message = format!("the definition of datastore `{name}` cannot be read");
            Failure::new(
                Exit::Refused,
                message,
                "register it again with `overwrite=True`",
            )
        })?;
        let credentials = match &row.sealed {
            Some(sealed) => Vault::open(&folder.datastores_key())?.unseal(name, sealed)?,
            None => Credentials::new(),
        };
        Ok(Arc::new(Datastore::new(name, location, credentials)))
    }
}

fn unknown(name: &str, names: &[&str]) -> Failure {
    let hint = match meant(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the workspace has {}; write `./{name}:…` for a path with a colon in it",
            names.join(", ")
        ),
    };
    let message = format!("there is no datastore `{name}`");
    Failure::new(Exit::NotFound, message, hint)
}

/// A path without `.` and `..`, as it is written.
fn plain(path: &camino::Utf8Path) -> Utf8PathBuf {
    use camino::Utf8Component::{CurDir, ParentDir};
    let mut plain = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            CurDir => {}
            ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

/// The datastore and the path that a text names, unless it is a path of this machine.
fn datastore_of(text: &str) -> Option<(&str, &str)> {
    let (name, path) = text.split_once(':')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(fits)).then_some((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_before_a_colon_is_a_datastore() {
        assert_eq!(datastore_of("lake:raw/a"), Some(("lake", "raw/a")));
        assert_eq!(datastore_of("lake:"), Some(("lake", "")));
        assert_eq!(datastore_of("./lake:raw"), None);
        assert_eq!(datastore_of("data/lake:raw"), None);
        assert_eq!(datastore_of("data"), None);
    }

    #[test]
    fn a_path_is_made_plain_without_looking_at_the_disk() {
        assert_eq!(plain("/a/./b/../c".into()), "/a/c");
        assert_eq!(plain("/..".into()), "/");
    }
}
