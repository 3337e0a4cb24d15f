//! SQL Server and Azure SQL.
//!
//! - [`door`]: how a connection begins;
//! - [`mod@sign_in`]: tokens of service principals;
//! - [`kinds`]: its types and values as ours;
//! - [`mod@read`]: rows of a table, a query or a procedure;
//! - [`statements`] and [`mod@write`]: rows into a table, in one transaction.
//!
//! It has been tried on no server of Microsoft's, since none can be had for tests: what is tried is said
//! in docs/transfer.md.

mod door;
mod kinds;
mod read;
mod sign_in;
mod statements;
mod write;

use std::time::Duration;

use stepwell_datastore::definition::Database;
use stepwell_transfer::table::TableEnd;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use crate::error::{Error, Result};

pub(crate) use read::read;
pub(crate) use write::write;

const PORT: u16 = 1433;

const CONNECT: Duration = Duration::from_secs(30);

/// How often the server may name another one instead of itself: Azure's gateways do once.
const REDIRECTS: usize = 3;

/// How texts are read and what happens on an error, whatever the server's own settings are.
const SESSION: &str = "SET DATEFORMAT ymd; SET XACT_ABORT ON; SET ANSI_NULLS ON; \
    SET QUOTED_IDENTIFIER ON; SET ANSI_WARNINGS ON; SET TEXTSIZE 2147483647; SET NOCOUNT ON";

type Connection = Client<Compat<door::Door>>;

async fn connect(place: &Database, end: &TableEnd) -> Result<Connection> {
    let failed = |text: String| Error::Connect {
        datastore: end.name.clone(),
        text,
    };
    match tokio::time::timeout(CONNECT, sign_in(place, end)).await {
        Ok(opened) => opened.map_err(failed),
        Err(_) => Err(failed(format!("no answer within {} s", CONNECT.as_secs()))),
    }
}

/// Opens a connection and signs in; what was wrong in words, without a credential.
async fn sign_in(place: &Database, end: &TableEnd) -> Result<Connection, String> {
    let token = sign_in::token(place, &end.credentials).await?;
    let terms = door::Terms {
        is_encrypted: !place.is_plain,
        has_token: token.is_some(),
    };
    let (mut host, mut port) = (place.server.clone(), place.port.unwrap_or(PORT));
    for _ in 0..=REDIRECTS {
        let door = door::open(&host, port, terms).await;
        let door = door.map_err(|error| stepwell_model::in_words(&error))?;
        let config = config(place, end, &host, port, token.as_deref());
        match Client::connect(config, door.compat_write()).await {
            Ok(mut client) => {
                run(&mut client, SESSION)
                    .await
                    .map_err(|error| words(&error))?;
                return Ok(client);
            }
            Err(tiberius::error::Error::Routing {
                host: next,
                port: next_port,
            }) => (host, port) = (next, next_port),
            Err(error) => return Err(words(&error)),
        }
    }
    Err(format!(
        "`{}` names one server after the other",
        place.server
    ))
}

fn config(place: &Database, end: &TableEnd, host: &str, port: u16, token: Option<&str>) -> Config {
    let mut config = Config::new();
    config.host(host);
    config.port(port);
    config.database(&place.database);
    config.application_name("stepwell");
    // The connection is encrypted already, or is not to be.
    config.encryption(EncryptionLevel::NotSupported);
    config.authentication(match token {
        Some(token) => AuthMethod::aad_token(token),
        None => {
            let password = end.credentials.get("password");
            AuthMethod::sql_server(
                place.user.as_deref().unwrap_or_default(),
                password.map_or("", String::as_str),
            )
        }
    });
    config
}

/// Runs statements that give nothing.
async fn run(client: &mut Connection, text: &str) -> tiberius::Result<()> {
    client.simple_query(text).await?.into_results().await?;
    Ok(())
}

/// The rows of a statement that gives few.
async fn rows(client: &mut Connection, text: &str) -> tiberius::Result<Vec<tiberius::Row>> {
    client.simple_query(text).await?.into_first_result().await
}

fn fault(end: &TableEnd) -> impl Fn(tiberius::error::Error) -> Error {
    let place = end.shown();
    move |error| Error::Database {
        place: place.clone(),
        text: words(&error),
    }
}

fn words(error: &tiberius::error::Error) -> String {
    match error {
        tiberius::error::Error::Server(said) => said.message().to_owned(),
        other => stepwell_model::in_words(other),
    }
}
