//! `stepwell open`: the page of a run, or of the workspace, in the browser.
//!
//! The link carries a ticket that lets a browser look for some hours; the token stays here.

use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::discover::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Context, Session};
use crate::{embedded, output, python, select};

/// What shows an address to a person, in the order of preference.
const BROWSERS: [&str; 5] = [
    "xdg-open",
    "wslview",
    "gio",
    "sensible-browser",
    "x-www-browser",
];

/// Open the page of a run, or the list of runs, in the browser
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell open
  stepwell open last
  stepwell open 3f2a1b7c --print

The address is printed when there is no browser to open it, as over SSH, and always with --print. It
lets whoever has it look at everything and cancel runs, for some hours.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`; the list of runs unless given
    #[arg(add = crate::complete::runs())]
    run: Option<String>,
    /// Print the address, and open nothing
    #[arg(long)]
    print: bool,
    /// Print JSON, and open nothing
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Link {
    url: String,
    /// When the link stops letting anybody in.
    expires_at: String,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let path = match &args.run {
        Some(text) => format!("/runs/{}", select::run(&session, text)?.id),
        None => "/".to_owned(),
    };
    let ticket = session.call(crate::client::Client::ticket)?;
    let link = Link {
        url: format!("{}{path}?ticket={}", address(&session), ticket.ticket),
        expires_at: ticket.expires_at,
    };
    if args.json {
        output::json(&link)?;
        return Ok(Exit::Success);
    }
    if !args.print && has_screen() {
        match browser() {
            Some(program) if show(&program, &link.url) => return Ok(Exit::Success),
            Some(program) => output::note(&format!("`{program}` could not open the page")),
            None => output::note("there is no browser here; open this address in one"),
        }
    }
    output::print(&format!("{}\n", link.url))?;
    Ok(Exit::Success)
}

/// Where the server's pages are, as a browser reaches them.
fn address(session: &Session) -> String {
    match session.place() {
        Place::Remote { url, .. } => url.clone(),
        Place::Local(home) => match embedded::find(&home.data_folder) {
            Some(endpoint) => endpoint.shared_url.unwrap_or(endpoint.url),
            None => session.client().url().to_owned(),
        },
    }
}

/// Whether a window can appear: a browser of a terminal would take this one over.
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("BROWSER") || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WSL_DISTRO_NAME")
}

/// The program that opens an address: what `BROWSER` names, or the first there is.
fn browser() -> Option<Utf8PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let named = std::env::var("BROWSER")
        .ok()
        .filter(|name| !name.is_empty());
    if let Some(named) = named.filter(|name| !name.contains(['%', ' ', ':'])) {
        if named.contains('/') {
            return Some(named.into());
        }
        return python::on_path(&named, &path).find(|place| place.is_file());
    }
    let mut places = BROWSERS
        .iter()
        .flat_map(|name| python::on_path(name, &path));
    places.find(|place| place.is_file())
}

/// How long a browser may take to fail. One that goes on shows the page.
const FAILURE_MAX: Duration = Duration::from_secs(2);

/// Hands the address over; whether that worked.
fn show(program: &Utf8PathBuf, url: &str) -> bool {
    let mut command = Command::new(program);
    if program.file_name() == Some("gio") {
        command.arg("open");
    }
    // What a browser says of itself is of no interest here.
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut browser) = command.spawn() else {
        return false;
    };
    let (ended, end) = channel();
    thread::spawn(move || ended.send(browser.wait().is_ok_and(|status| status.success())));
    end.recv_timeout(FAILURE_MAX).unwrap_or(true)
}
