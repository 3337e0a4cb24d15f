//! `stepwell stop`: ends the embedded server of the folder. Running steps go on.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::discover::Place;
use crate::embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Context;

/// How long the server may take to end.
const END_MAX: Duration = Duration::from_secs(10);

/// How often its process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Stop the server of this folder; running steps go on
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stepwell stop\n\nThe next command that needs a server starts it again and finds the steps."
)]
pub(crate) struct Args {}

/// Does it.
pub(crate) fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let home = match context.place()? {
        Place::Local(home) => home,
        Place::Remote { url, .. } => {
            let message = format!("the server at {url} is not this folder's own");
            let hint = "stop it where it runs, or unset `STEPWELL_URL`";
            return Err(Failure::new(Exit::Refused, message, hint));
        }
    };
    let Some(endpoint) = embedded::find(&home.data_folder) else {
        output::print(&format!("no server runs for `{}`\n", home.data_folder))?;
        return Ok(Exit::Success);
    };
    Client::new(&endpoint.url, &endpoint.token).shutdown()?;
    let deadline = Instant::now() + END_MAX;
    while embedded::is_alive(endpoint.pid) && embedded::recorded(&home.data_folder).is_some() {
        if Instant::now() > deadline {
            let message = format!("the server (process {}) does not end", endpoint.pid);
            let hint = format!("end it with `kill {}`; running steps go on", endpoint.pid);
            return Err(Failure::new(Exit::Unreachable, message, hint));
        }
        thread::sleep(LOOK_EVERY);
    }
    output::print(&format!(
        "the server of `{}` has stopped\n",
        home.data_folder
    ))?;
    Ok(Exit::Success)
}
