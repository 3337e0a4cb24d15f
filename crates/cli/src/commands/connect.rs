//! `stepwell connect`: finds or starts the folder's server and says where it is. What the SDK
//! calls, so it must be quick and its JSON stable.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::client::Client;
use crate::discover::Place;
use crate::embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Context;

/// Find or start the server of a folder, and print where it is
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stepwell connect --folder my-project --json")]
pub(crate) struct Args {
    /// Print JSON, with the token
    #[arg(long)]
    json: bool,
}

/// The answer. `data_folder` and `pid` are null for a server elsewhere.
#[derive(Debug, Serialize)]
struct Connection {
    url: String,
    token: String,
    /// Where this machine's programs reach it; null for a server elsewhere.
    socket: Option<Utf8PathBuf>,
    data_folder: Option<Utf8PathBuf>,
    pid: Option<u32>,
    started: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let connection = connect(context)?;
    if args.json {
        output::json(&connection)?;
    } else {
        output::print(&format!("{}\n", connection.url))?;
    }
    Ok(Exit::Success)
}

fn connect(context: &Context) -> Result<Connection, Failure> {
    match context.place()? {
        Place::Remote { url, token, socket } => {
            Client::by(&url, &token, socket.as_deref()).health()?;
            Ok(Connection {
                url,
                token,
                socket,
                data_folder: None,
                pid: None,
                started: false,
            })
        }
        Place::Local(home) => {
            let found = embedded::find_or_start(&home)?;
            Ok(Connection {
                url: found.endpoint.url,
                token: found.endpoint.token,
                socket: Some(found.endpoint.socket),
                data_folder: Some(found.endpoint.data_folder),
                pid: Some(found.endpoint.pid),
                started: found.started,
            })
        }
    }
}
