//! Datastores: what they are, and the files on them. No answer holds a credential.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Datastores, sorted by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DatastoreList {
    /// The datastores.
    pub datastores: Vec<Datastore>,
}

/// A datastore.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Datastore {
    /// Its name.
    pub name: String,
    /// Where its files are.
    #[serde(flatten)]
    pub place: DatastorePlace,
    /// Whether outputs go here unless they name another.
    pub is_default: bool,
    /// Which credentials it has, by name: each is `stored`, or `env:NAME` for one that the server
    /// takes from its environment.
    pub credentials: BTreeMap<String, String>,
}

/// Where the files of a datastore are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DatastorePlace {
    /// A folder of the server's machine.
    Local {
        /// The folder.
        root: String,
    },
    /// A container of Azure Blob storage.
    AzureBlob {
        /// The storage account.
        account: String,
        /// The container.
        container: String,
        /// The URL of the account's blobs, for other clouds and emulators.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
    },
    /// A file system of Azure Data Lake Storage, second generation.
    AzureDataLakeGen2 {
        /// The storage account.
        account: String,
        /// The file system.
        container: String,
        /// The URL of the account, for other clouds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// The directory that the service principal belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant_id: Option<String>,
        /// The service principal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// Who gives out its tokens, for other clouds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authority_url: Option<String>,
    },
    /// A bucket of S3 or of a store that speaks like it.
    S3 {
        /// The bucket.
        bucket: String,
        /// The region; `us-east-1` unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// The URL of a store that is not Amazon's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// The public half of the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access_key_id: Option<String>,
    },
    /// A bucket of Google Cloud Storage.
    Gcs {
        /// The bucket.
        bucket: String,
        /// The URL of a store that is not Google's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
    },
    /// A PostgreSQL database.
    #[serde(rename = "postgresql")]
    PostgreSql(Database),
    /// A MySQL or MariaDB database.
    #[serde(rename = "mysql")]
    MySql(Database),
    /// An Azure SQL database, or one of SQL Server.
    AzureSql(Database),
    /// A SQLite file of the server's machine.
    Sqlite {
        /// The file.
        file: String,
    },
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Database {
    /// The host.
    pub server: String,
    /// The port; the usual one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The database.
    pub database: String,
    /// Who signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The directory that a service principal belongs to; of Azure SQL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The service principal; of Azure SQL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Who gives out the principal's tokens, for other clouds; of Azure SQL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_url: Option<String>,
    /// Whether the connection is not encrypted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_plain: bool,
}

/// A datastore to register.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegisterDatastore {
    /// Where its files are.
    #[serde(flatten)]
    pub place: DatastorePlace,
    /// What opens it, by name: `account_key` or `sas_token` for a blob container, `client_secret`
    /// for a data lake, `secret_access_key` and `session_token` for S3, `service_account_key` (a
    /// JSON text) for Google, `password` for a database. A text `env:NAME` names a variable of the server's environment.
    #[serde(default)]
    pub credentials: BTreeMap<String, HiddenText>,
    /// Replace a different datastore of that name; without this it is a conflict.
    #[serde(default)]
    pub overwrite: bool,
    /// Make the container or bucket if it is not there.
    #[serde(default)]
    pub create_if_not_exists: bool,
    /// Register it without looking whether it can be opened.
    #[serde(default)]
    pub skip_validation: bool,
}

/// A datastore with what opens it, as it is lent to a step that reads and writes it itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DatastoreConnection {
    /// Its name.
    pub name: String,
    /// Where its files are.
    #[serde(flatten)]
    pub place: DatastorePlace,
    /// What opens it, by name, as at its registration. None is by reference.
    pub credentials: BTreeMap<String, HiddenText>,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct HiddenText(pub String);

impl fmt::Debug for HiddenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// Which datastore outputs go to unless they name another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultDatastore {
    /// Its name.
    pub name: String,
}

/// Files of a datastore, sorted by path.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DatastoreFileList {
    /// The files.
    pub files: Vec<DatastoreFile>,
}

/// A file of a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatastoreFile {
    /// Its path below the datastore's root.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What changes whenever its content does.
    pub etag: String,
    /// When it was last written.
    pub modified_at: String,
}
