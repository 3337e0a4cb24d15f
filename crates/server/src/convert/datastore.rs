//! Datastores between the wire and their definitions.

use stepwell_api as api;
use stepwell_datastore::definition::{Database, Place};
use stepwell_datastore::{Credentials, Datastore, Entry, Secret};

/// A datastore as clients see it.
pub(crate) fn datastore(datastore: &Datastore, default: &str) -> api::Datastore {
    api::Datastore {
        name: datastore.name().to_owned(),
        place: shown(datastore.place().clone()),
        is_default: datastore.name() == default,
        credentials: datastore.credentials_shown(),
    }
}

/// A datastore with what opens it.
pub(crate) fn connection(
    datastore: &Datastore,
) -> stepwell_datastore::Result<api::DatastoreConnection> {
    let lent = datastore.lend()?.into_iter();
    Ok(api::DatastoreConnection {
        name: datastore.name().to_owned(),
        place: shown(datastore.place().clone()),
        credentials: lent
            .map(|(name, text)| (name, api::HiddenText(text)))
            .collect(),
    })
}

fn shown(place: Place) -> api::DatastorePlace {
    match place {
        Place::Local { root } => api::DatastorePlace::Local {
            root: root.into_string(),
        },
        Place::AzureBlob {
            account,
            container,
            endpoint,
        } => api::DatastorePlace::AzureBlob {
            account,
            container,
            endpoint,
        },
        Place::AzureDataLakeGen2 {
            account,
            container,
            endpoint,
            tenant_id,
            client_id,
            authority_url,
        } => api::DatastorePlace::AzureDataLakeGen2 {
            account,
            container,
            endpoint,
            tenant_id,
            client_id,
            authority_url,
        },
        Place::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        } => api::DatastorePlace::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        },
        Place::Gcs { bucket, endpoint } => api::DatastorePlace::Gcs { bucket, endpoint },
        Place::PostgreSql(place) => api::DatastorePlace::PostgreSql(shown_database(place)),
        Place::MySql(place) => api::DatastorePlace::MySql(shown_database(place)),
        Place::AzureSql(place) => api::DatastorePlace::AzureSql(shown_database(place)),
        Place::Sqlite { file } => api::DatastorePlace::Sqlite {
            file: file.into_string(),
        },
    }
}

fn shown_database(place: Database) -> api::Database {
    api::Database {
        server: place.server,
        port: place.port,
        database: place.database,
        user: place.user,
        tenant_id: place.tenant_id,
        client_id: place.client_id,
        authority_url: place.authority_url,
        is_plain: place.is_plain,
    }
}

/// A definition as a client sends it; not checked.
pub(crate) fn place(place: api::DatastorePlace) -> Place {
    match place {
        api::DatastorePlace::Local { root } => Place::Local { root: root.into() },
        api::DatastorePlace::AzureBlob {
            account,
            container,
            endpoint,
        } => Place::AzureBlob {
            account,
            container,
            endpoint,
        },
        api::DatastorePlace::AzureDataLakeGen2 {
            account,
            container,
            endpoint,
            tenant_id,
            client_id,
            authority_url,
        } => Place::AzureDataLakeGen2 {
            account,
            container,
            endpoint,
            tenant_id,
            client_id,
            authority_url,
        },
        api::DatastorePlace::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        } => Place::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        },
        api::DatastorePlace::Gcs { bucket, endpoint } => Place::Gcs { bucket, endpoint },
        api::DatastorePlace::PostgreSql(place) => Place::PostgreSql(database(place)),
        api::DatastorePlace::MySql(place) => Place::MySql(database(place)),
        api::DatastorePlace::AzureSql(place) => Place::AzureSql(database(place)),
        api::DatastorePlace::Sqlite { file } => Place::Sqlite { file: file.into() },
    }
}

fn database(place: api::Database) -> Database {
    Database {
        server: place.server,
        port: place.port,
        database: place.database,
        user: place.user,
        tenant_id: place.tenant_id,
        client_id: place.client_id,
        authority_url: place.authority_url,
        is_plain: place.is_plain,
    }
}

pub(crate) fn credentials(
    given: std::collections::BTreeMap<String, api::HiddenText>,
) -> Credentials {
    let given = given.into_iter().filter(|(_, text)| !text.0.is_empty());
    given
        .map(|(name, text)| (name, Secret::new(text.0)))
        .collect()
}

/// A file as it is listed.
pub(crate) fn file(entry: Entry) -> api::DatastoreFile {
    api::DatastoreFile {
        path: entry.path,
        size: entry.size,
        etag: entry.etag,
        modified_at: stepwell_model::Timestamp::from_millis(entry.modified_ms).to_string(),
    }
}
