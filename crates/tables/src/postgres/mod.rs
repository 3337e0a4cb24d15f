//! PostgreSQL: rows by `COPY`, in its binary form when they are read, and as text, of which the
//! server makes its own values, when they are written.
//!
//! - [`mod@read`]: rows of a table, a query or a function;
//! - [`mod@write`]: rows into a table, in one transaction.

mod read;
mod write;

use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use stepwell_datastore::definition::Database;
use stepwell_transfer::table::TableEnd;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result};

pub(crate) use read::read;
pub(crate) use write::write;

const CONNECT: Duration = Duration::from_secs(15);

/// What values look like, whatever the server's own settings are.
const SESSION: &str = "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET client_encoding = 'UTF8'; \
    SET intervalstyle = 'iso_8601'; SET standard_conforming_strings = on; SET statement_timeout = 0";

async fn connect(place: &Database, end: &TableEnd) -> Result<Client> {
    let mut config = Config::new();
    config
        .host(&place.server)
        .port(place.port.unwrap_or(5432))
        .dbname(&place.database)
        .application_name("stepwell")
        .keepalives_idle(Duration::from_secs(60))
        .connect_timeout(CONNECT);
    if let Some(user) = &place.user {
        config.user(user);
    }
    if let Some(password) = end.credentials.get("password") {
        config.password(password);
    }
    let failed = |error: tokio_postgres::Error| Error::Connect {
        datastore: end.name.clone(),
        text: words(&error),
    };
    let client = if place.is_plain {
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
        tokio::spawn(connection);
        client
    } else {
        config.ssl_mode(SslMode::Require);
        let tls = MakeRustlsConnect::new(trusting());
        let (client, connection) = config.connect(tls).await.map_err(failed)?;
        tokio::spawn(connection);
        client
    };
    client.batch_execute(SESSION).await.map_err(failed)?;
    Ok(client)
}

/// Connections are checked by the certificates that the system trusts.
fn trusting() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn fault(end: &TableEnd) -> impl Fn(tokio_postgres::Error) -> Error {
    let place = end.shown();
    move |error| Error::Database {
        place: place.clone(),
        text: words(&error),
    }
}

/// What the server said, with the row it was about.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => match (said.detail(), said.where_()) {
            (_, Some(place)) => format!("{} ({place})", said.message()),
            (Some(detail), None) => format!("{}: {detail}", said.message()),
            (None, None) => said.message().to_owned(),
        },
        None => stepwell_model::in_words(error),
    }
}
