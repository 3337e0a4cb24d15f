//! What a datastore is: where its files or tables are, and which credentials open it.
//!
//! The stored form is JSON and holds no credential. New fields have defaults.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::{Credentials, Error, Result};

/// Where the files of a datastore are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// A folder of the server's machine.
    Local {
        /// The folder.
        root: Utf8PathBuf,
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
        file: Utf8PathBuf,
    },
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl Place {
    /// The word for the kind, on the wire and in the database.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::AzureBlob { .. } => "azure_blob",
            Self::AzureDataLakeGen2 { .. } => "azure_data_lake_gen2",
            Self::S3 { .. } => "s3",
            Self::Gcs { .. } => "gcs",
            Self::PostgreSql(_) => "postgresql",
            Self::MySql(_) => "mysql",
            Self::AzureSql(_) => "azure_sql",
            Self::Sqlite { .. } => "sqlite",
        }
    }

    /// Whether it holds tables and no files.
    #[must_use]
    pub const fn is_database(&self) -> bool {
        match self {
            Self::Local { .. }
            | Self::AzureBlob { .. }
            | Self::AzureDataLakeGen2 { .. }
            | Self::S3 { .. }
            | Self::Gcs { .. } => false,
            Self::PostgreSql(_) | Self::MySql(_) | Self::AzureSql(_) | Self::Sqlite { .. } => true,
        }
    }

    /// The container, in words.
    #[must_use]
    pub fn container(&self) -> String {
        match self {
            Self::Local { root } => format!("the folder `{root}`"),
            Self::AzureBlob { container, .. } => format!("the container `{container}`"),
            Self::AzureDataLakeGen2 { container, .. } => format!("the file system `{container}`"),
            Self::S3 { bucket, .. } | Self::Gcs { bucket, .. } => format!("the bucket `{bucket}`"),
            Self::PostgreSql(Database { database, .. })
            | Self::MySql(Database { database, .. })
            | Self::AzureSql(Database { database, .. }) => format!("the database `{database}`"),
            Self::Sqlite { file } => format!("the database `{file}`"),
        }
    }

    /// The folder, when it is one of this machine.
    #[must_use]
    pub const fn root(&self) -> Option<&Utf8PathBuf> {
        match self {
            Self::Local { root } => Some(root),
            _ => None,
        }
    }

    /// The credentials that a kind knows, of which each may be absent.
    const fn credential_names(&self) -> &'static [&'static str] {
        match self {
            Self::Local { .. } | Self::Sqlite { .. } => &[],
            Self::PostgreSql(_) | Self::MySql(_) => &["password"],
            Self::AzureSql(_) => &["password", "client_secret"],
            Self::AzureBlob { .. } => &["account_key", "sas_token"],
            Self::AzureDataLakeGen2 { .. } => &["client_secret", "account_key", "sas_token"],
            Self::S3 { .. } => &["secret_access_key", "session_token"],
            Self::Gcs { .. } => &["service_account_key"],
        }
    }

    /// Refuses what could never be opened.
    ///
    /// # Errors
    /// When a name is empty, an endpoint is no URL, or a credential is not of this kind.
    pub fn check(&self, datastore: &str, credentials: &Credentials) -> Result<()> {
        let fault = self.fault().or_else(|| self.fault_of(credentials));
        match fault {
            Some(fault) => Err(Error::Definition {
                datastore: datastore.to_owned(),
                fault,
            }),
            None => Ok(()),
        }
    }

    /// What is wrong with the place, if anything.
    fn fault(&self) -> Option<String> {
        let (names, endpoint): (Vec<(&str, &String)>, Option<&String>) = match self {
            Self::Local { root } if !root.is_absolute() => {
                return Some(format!("the folder `{root}` is not an absolute path"));
            }
            Self::Sqlite { file } if !file.is_absolute() => {
                return Some(format!("the file `{file}` is not an absolute path"));
            }
            Self::Local { .. } | Self::Sqlite { .. } => (Vec::new(), None),
            Self::PostgreSql(place) | Self::MySql(place) | Self::AzureSql(place) => (
                vec![("server", &place.server), ("database", &place.database)],
                None,
            ),
            Self::AzureBlob {
                account,
                container,
                endpoint,
            }
            | Self::AzureDataLakeGen2 {
                account,
                container,
                endpoint,
                ..
            } => (
                vec![("account", account), ("container", container)],
                endpoint.as_ref(),
            ),
            Self::S3 {
                bucket, endpoint, ..
            }
            | Self::Gcs { bucket, endpoint } => (vec![("bucket", bucket)], endpoint.as_ref()),
        };
        let wrong = names.into_iter().find(|(_, name)| !is_name(name));
        match (wrong, endpoint) {
            (Some((what, name)), _) => Some(format!("`{name}` cannot name the {what}")),
            // Not repeated: what is no plain URL may hold a signature.
            (None, Some(endpoint)) if !is_plain_url(endpoint) => {
                Some("the endpoint is not a plain http or https URL without a query".to_owned())
            }
            (None, _) => None,
        }
    }

    /// What is wrong with the names of the credentials, if anything.
    fn fault_of(&self, credentials: &Credentials) -> Option<String> {
        let known = self.credential_names();
        let is_known = |name: &String| known.contains(&name.as_str());
        if credentials.keys().all(is_known) {
            return None;
        }
        let names = match known.is_empty() {
            true => "none".to_owned(),
            false => known.join(", "),
        };
        let kind = self.kind();
        Some(format!(
            "a {kind} datastore takes these credentials: {names}"
        ))
    }
}

/// Whether a name can be a part of an address.
fn is_name(name: &str) -> bool {
    let is_forbidden =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '?' | '#');
    !name.is_empty() && !name.contains(is_forbidden)
}

/// Whether this is an address of http or https, with neither a query nor a user.
fn is_plain_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.password().is_none()
            && url.username().is_empty()
    })
}
