//! Objects written part by part, copied within a store, and put in one piece.
//!
//! Which parts are there is the caller's to remember: an [`Upload`] and the ids of its parts are
//! plain text, so another process can go on with them. Nothing is visible under the object's name
//! before [`Datastore::complete`].

use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::{ObjectStoreExt as _, PutPayload};
use serde::{Deserialize, Serialize};

use crate::store::{Asked, Client};
use crate::{Datastore, Entry, Error, Result};

/// An upload that has begun: what the store knows it by. Empty where the store has no such id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Upload(pub String);

impl Datastore {
    /// Begins to write an object in parts.
    ///
    /// # Errors
    /// Those of the far side; a folder of this machine takes no parts.
    pub async fn begin(&self, path: &str) -> Result<Upload> {
        let target = self.path(path)?;
        let client = self.client()?;
        let parts = self.parts(&client)?;
        let begun = parts.create_multipart(&target).await;
        begun
            .map(Upload)
            .map_err(|error| self.fault(&client, error, &Asked::Container))
    }

    /// Writes one part, counted from 0; gives what completing needs to know of it.
    ///
    /// # Errors
    /// Those of the far side, among them that the upload is not known any more.
    pub async fn put_part(
        &self,
        path: &str,
        upload: &Upload,
        index: usize,
        bytes: Bytes,
    ) -> Result<String> {
        let target = self.path(path)?;
        let client = self.client()?;
        let parts = self.parts(&client)?;
        let put = parts.put_part(&target, &upload.0, index, PutPayload::from(bytes));
        put.await
            .map(|part| part.content_id)
            .map_err(|error| self.fault(&client, error, &Asked::File(path)))
    }

    /// Makes the object of its parts, in order; it replaces what was there.
    ///
    /// # Errors
    /// Those of the far side; nothing has changed under the name then.
    pub async fn complete(&self, path: &str, upload: &Upload, parts: Vec<String>) -> Result<()> {
        let target = self.path(path)?;
        let client = self.client()?;
        let store = self.parts(&client)?;
        let parts = parts
            .into_iter()
            .map(|content_id| PartId { content_id })
            .collect();
        let completed = store.complete_multipart(&target, &upload.0, parts).await;
        completed
            .map(|_| ())
            .map_err(|error| self.fault(&client, error, &Asked::File(path)))
    }

    /// Throws away an upload and its parts. Azure forgets parts by itself, after a week.
    ///
    /// # Errors
    /// Those of the far side.
    pub async fn abort(&self, path: &str, upload: &Upload) -> Result<()> {
        let target = self.path(path)?;
        let client = self.client()?;
        let store = self.parts(&client)?;
        let aborted = store.abort_multipart(&target, &upload.0).await;
        aborted.map_err(|error| self.fault(&client, error, &Asked::File(path)))
    }

    /// Puts an object in one piece; it replaces what was there.
    ///
    /// # Errors
    /// Those of the far side.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.refuse_links(path)?;
        let target = self.path(path)?;
        let client = self.client()?;
        let put = client.store.put(&target, PutPayload::from(bytes)).await;
        put.map(|_| ())
            .map_err(|error| self.fault(&client, error, &Asked::Container))
    }

    /// Copies an object to another name of this store, without its bytes coming here.
    ///
    /// # Errors
    /// Those of the far side.
    pub async fn copy_within(&self, from: &Entry, to: &str) -> Result<()> {
        let (source, target) = (self.path(&from.path)?, self.path(to)?);
        let client = self.client()?;
        let copied = client.store.copy(&source, &target).await;
        copied.map_err(|error| self.fault(&client, error, &Asked::File(&from.path)))
    }

    fn parts<'a>(
        &self,
        client: &'a Client,
    ) -> Result<&'a std::sync::Arc<dyn object_store::multipart::MultipartStore>> {
        client.parts.as_ref().ok_or_else(|| Error::Refused {
            datastore: self.name().to_owned(),
            detail: "a folder of this machine is not written in parts of an upload".to_owned(),
        })
    }
}
