//! `stepwell stop`: ends the server of the folder, and says so when it has ended. Running steps go
//! on.

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
const END_MAX: Duration = Duration::from_secs(15);

/// How often the folder's lock is looked at.
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
    let folder = &home.data_folder;
    // The lock is dropped by the process's end and nothing else: no file is believed.
    let Some(pid) = embedded::holder(folder) else {
        output::print(&format!("no server runs for `{folder}`\n"))?;
        return Ok(Exit::Success);
    };
    let Some(endpoint) = embedded::find(folder) else {
        let message = format!("the server (process {pid}) of `{folder}` does not answer");
        return Err(Failure::new(Exit::Unreachable, message, kill(pid)));
    };
    Client::by(&endpoint.url, &endpoint.token, Some(&endpoint.socket)).shutdown()?;
    let deadline = Instant::now() + END_MAX;
    while embedded::holder(folder) == Some(pid) || embedded::is_alive(pid) {
        if Instant::now() > deadline {
            let message = format!("the server (process {pid}) does not end");
            return Err(Failure::new(Exit::Unreachable, message, kill(pid)));
        }
        thread::sleep(LOOK_EVERY);
    }
    output::print(&format!("the server of `{folder}` has stopped\n"))?;
    Ok(Exit::Success)
}

fn kill(pid: u32) -> String {
    format!("end it with `kill -9 {pid}`; nothing that was acknowledged is lost, and steps go on")
}
