//! The secrets of a workspace, which are kept sealed.
//!
//! Invariant: a text leaves only by [`Secrets::get`], and no error or record holds one.

use std::sync::Arc;

use stepwell_datastore::vault::Vault;
use stepwell_model::Timestamp;
use stepwell_store::secrets as store;

use crate::core::Core;
use crate::{Error, Result};

/// The longest name, and the longest text in bytes: those of the vaults that programs were written
/// for.
const NAME_MAX: usize = 127;
const TEXT_MAX: usize = 25 * 1024;
const CONTENT_TYPE_MAX: usize = 255;

/// What is known of a secret without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name, as it was written first.
    pub name: String,
    /// What its text is, as who set it says.
    pub content_type: String,
    /// When it was set first.
    pub created: Timestamp,
    /// When it was set last.
    pub updated: Timestamp,
}

/// What can be done with secrets; cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    core: Arc<Core>,
    vault: Arc<Vault>,
}

impl Secrets {
    pub(crate) fn new(core: Arc<Core>, vault: Arc<Vault>) -> Self {
        Self { core, vault }
    }

    /// All secrets without their texts, sorted by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self) -> Result<Vec<SecretInfo>> {
        let rows = self.core.store.read(store::list).await?;
        Ok(rows.into_iter().map(info).collect())
    }

    /// A secret and its text.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub async fn get(&self, name: &str) -> Result<(SecretInfo, String)> {
        let wanted = name.to_owned();
        let read = move |db: &_| store::find(db, &wanted);
        let found = self.core.store.read(read).await?;
        let found = found.ok_or_else(|| unknown(name))?;
        let text = self.vault.unseal_secret(&found.name, &found.sealed)?;
        Ok((info(found), text))
    }

    /// Keeps a secret, or gives the one of its name another text.
    ///
    /// # Errors
    /// When the name or the text cannot be one.
    pub async fn set(&self, name: String, text: &str, content_type: String) -> Result<SecretInfo> {
        check_name(&name)?;
        if text.len() > TEXT_MAX {
            let what = format!("the text of the secret `{name}` has more than {TEXT_MAX} bytes");
            return Err(Error::invalid(what).hint("keep a file on a datastore instead"));
        }
        if content_type.len() > CONTENT_TYPE_MAX {
            let what = format!("a content type has at most {CONTENT_TYPE_MAX} bytes");
            return Err(Error::invalid(what));
        }
        let now = self.core.now();
        let row = store::Secret {
            sealed: self.vault.seal_secret(&name, text)?,
            name,
            content_type,
            created: now,
            updated: now,
        };
        let put = move |db: &_| {
            store::put(db, &row)?;
            store::find(db, &row.name)
        };
        let kept = self.core.store.write_durable(put).await?;
        kept.map(info)
            .ok_or_else(|| Error::internal(&"a secret that was set is not there"))
    }

    /// Forgets a secret.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let wanted = name.to_owned();
        let remove = move |db: &_| store::remove(db, &wanted);
        match self.core.store.write_durable(remove).await? {
            true => Ok(()),
            false => Err(unknown(name)),
        }
    }
}

fn info(row: store::Secret) -> SecretInfo {
    SecretInfo {
        name: row.name,
        content_type: row.content_type,
        created: row.created,
        updated: row.updated,
    }
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!("there is no secret `{name}`"))
        .hint("`stepwell secrets list` lists those there are")
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(fits) {
        true => Ok(()),
        false => Err(
            Error::invalid(format!("`{name}` cannot name a secret")).hint(format!(
                "use letters, digits and `-`, at most {NAME_MAX} of them"
            )),
        ),
    }
}
