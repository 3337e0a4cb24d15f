//! The calls about files: those of runs, and those on datastores.

use std::io::Read;

use stepwell_api::{DatastoreFileList, FileList};
use uuid::Uuid;

use super::calls::encoded;
use super::{Client, Result};

impl Client {
    /// The files of a run whose names begin with `prefix`.
    pub(crate) fn run_files(&self, run: Uuid, prefix: &str) -> Result<FileList> {
        let query = [("prefix", prefix.to_owned())];
        self.get(&format!("runs/{run}/files"), &query)
    }

    /// The content of a file of a run.
    pub(crate) fn run_file(&self, run: Uuid, file: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.run_file_reader(run, file)?.read_to_end(&mut bytes);
        read.map_err(|error| self.unreachable(error.into()))?;
        Ok(bytes)
    }

    /// The content of a file of a run, as it comes.
    pub(crate) fn run_file_reader(&self, run: Uuid, file: &str) -> Result<impl Read + use<>> {
        let path = ["runs", &run.to_string(), "files", file];
        let answer = self.get_raw(&encoded(&path), &[])?;
        Ok(answer.into_body().into_reader())
    }

    /// The files that a path of a datastore stands for: those below it, or the one that it names.
    pub(crate) fn datastore_files(&self, datastore: &str, path: &str) -> Result<DatastoreFileList> {
        let query = [("path", path.to_owned())];
        self.get(&encoded(&["datastores", datastore, "files"]), &query)
    }

    /// The content of a file of a datastore, as it comes.
    pub(crate) fn datastore_file(&self, datastore: &str, path: &str) -> Result<impl Read + use<>> {
        let path = ["datastores", datastore, "files", path];
        let answer = self.get_raw(&encoded(&path), &[])?;
        Ok(answer.into_body().into_reader())
    }
}
