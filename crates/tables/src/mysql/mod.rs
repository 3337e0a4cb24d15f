//! MySQL and MariaDB. The session is in UTC, strict, and reads backslashes as they are.
//!
//! - [`mod@read`]: rows of a table, a query or a procedure, in the binary protocol;
//! - [`mod@write`]: rows into a table, in one transaction.

mod read;
mod write;

use mysql_async::{Conn, OptsBuilder, SslOpts};
use stepwell_datastore::definition::Database;
use stepwell_transfer::table::TableEnd;

use crate::error::{Error, Result};

pub(crate) use read::read;
pub(crate) use write::write;

const SESSION: &str = "SET NAMES utf8mb4, time_zone = '+00:00', \
    sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
    ERROR_FOR_DIVISION_BY_ZERO'";

const CONNECT: std::time::Duration = std::time::Duration::from_secs(15);

async fn connect(place: &Database, end: &TableEnd) -> Result<Conn> {
    let failed = |text: String| Error::Connect {
        datastore: end.name.clone(),
        text,
    };
    let trusted = || {
        let known = rustls_native_certs::load_native_certs().certs;
        let known = known.iter().map(|each| each.as_ref().to_vec().into());
        SslOpts::default().with_root_certs(known.collect())
    };
    let options = OptsBuilder::default()
        .ip_or_hostname(&place.server)
        .tcp_port(place.port.unwrap_or(3306))
        .db_name(Some(&place.database))
        .user(place.user.as_ref())
        .pass(end.credentials.get("password"))
        .prefer_socket(false)
        .setup(vec![SESSION])
        .ssl_opts((!place.is_plain).then(trusted));
    match tokio::time::timeout(CONNECT, Conn::new(options)).await {
        Ok(opened) => opened.map_err(|error| failed(words(&error))),
        Err(_) => Err(failed(format!("no answer within {} s", CONNECT.as_secs()))),
    }
}

fn fault(end: &TableEnd) -> impl Fn(mysql_async::Error) -> Error {
    let place = end.shown();
    move |error| Error::Database {
        place: place.clone(),
        text: words(&error),
    }
}

fn words(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Server(said) => said.message.clone(),
        other => other.to_string(),
    }
}
