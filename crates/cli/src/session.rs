//! A command's connection: from the folder it was given to a client of the server that serves it.
//!
//! The embedded server may be killed while a command waits for a run. The run itself goes on, so
//! the command finds or starts the server again and goes on as well; see [`Session::call`].

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use camino::Utf8PathBuf;

use crate::client::{self, Client};
use crate::discover::{Home, Place, Surroundings, discover};
use crate::embedded;
use crate::exit::Exit;
use crate::failure::Failure;

/// How often a call is tried while the server does not answer.
const TRIES_MAX: u32 = 5;

/// How long to leave a remote server alone between tries.
const REMOTE_PAUSE: Duration = Duration::from_secs(1);

/// What every command is given: where the user stands.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The folder whose server is meant; absolute.
    pub(crate) folder: Utf8PathBuf,
    /// The environment variables that matter.
    pub(crate) surroundings: Surroundings,
}

impl Context {
    /// From `--folder`, or else the working directory.
    pub(crate) fn new(folder: Option<Utf8PathBuf>) -> Result<Self, Failure> {
        let folder = folder.unwrap_or_else(|| Utf8PathBuf::from("."));
        let absolute = folder.canonicalize_utf8().map_err(|error| {
            let message = format!("cannot use the folder `{folder}`: {error}");
            Failure::new(
                Exit::NotFound,
                message,
                "give an existing folder with `--folder`",
            )
        })?;
        if !absolute.is_dir() {
            let message = format!("`{folder}` is not a folder");
            let hint = "give the folder of your project with `--folder`";
            return Err(Failure::new(Exit::NotFound, message, hint));
        }
        Ok(Self {
            folder: absolute,
            surroundings: Surroundings::of_process(),
        })
    }

    /// Which server serves the folder.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        Ok(discover(&self.folder, &self.surroundings)?)
    }

    /// A session with the folder's server; its data folder is made if there is none.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        Session::open(self.place()?)
    }

    /// A session for a command that only makes sense where runs have been: it makes no folder.
    pub(crate) fn existing_session(&self) -> Result<Session, Failure> {
        let place = self.place()?;
        if let Place::Local(Home { data_folder, .. }) = &place
            && !data_folder.is_dir()
        {
            let message = format!("nothing has run in `{}` yet", self.folder);
            let hint = "name the project's folder with `--folder`, or start a run with `stepwell run FILE.py`";
            return Err(Failure::new(Exit::NotFound, message, hint));
        }
        Session::open(place)
    }
}

/// A client of a place's server, made anew when that server is.
#[derive(Debug)]
pub(crate) struct Session {
    place: Place,
    client: Mutex<Client>,
}

impl Session {
    fn open(place: Place) -> Result<Self, Failure> {
        let client = Mutex::new(reach(&place)?);
        Ok(Self { place, client })
    }

    /// Where the server is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// The client for now.
    pub(crate) fn client(&self) -> Client {
        self.client.lock().expect("no holder panics").clone()
    }

    /// Makes a call that may be repeated, finding or starting the server again if it went away.
    pub(crate) fn call<T>(
        &self,
        call: impl Fn(&Client) -> client::Result<T>,
    ) -> Result<T, Failure> {
        let mut tries = 1;
        loop {
            let client = self.client();
            match call(&client) {
                Err(error) if error.is_unreachable() && tries < TRIES_MAX => {
                    tries += 1;
                    self.reach_again(&client)?;
                }
                result => return Ok(result?),
            }
        }
    }

    fn reach_again(&self, broken: &Client) -> Result<(), Failure> {
        let mut client = self.client.lock().expect("no holder panics");
        match &self.place {
            // Another thread may have been here before.
            Place::Local(_) if client.is_same(broken) => *client = reach(&self.place)?,
            Place::Local(_) => {}
            Place::Remote { .. } => thread::sleep(REMOTE_PAUSE),
        }
        Ok(())
    }
}

fn reach(place: &Place) -> Result<Client, Failure> {
    Ok(match place {
        Place::Remote { url, token, socket } => Client::by(url, token, socket.as_deref()),
        Place::Local(home) => {
            let endpoint = embedded::find_or_start(home)?.endpoint;
            Client::by(&endpoint.url, &endpoint.token, Some(&endpoint.socket))
        }
    })
}
