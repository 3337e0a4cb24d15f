//! `stepwell serve`: the server itself, in the foreground; also what the embedded server is
//! started as.

use std::net::IpAddr;
use std::time::Duration;

use camino::Utf8PathBuf;
use stepwell_server::{Limits, Mode, ServeConfig, TlsFiles};

use crate::discover::Home;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Context;
use crate::{discover, embedded, output, service};

/// Run a server in the foreground
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell serve
  stepwell serve --data /srv/stepwell --host 0.0.0.0 --shared --tls-cert tls.pem --tls-key key.pem

Other machines get in with tokens: make one for yourself before the server listens to them, with
`STEPWELL_DATA=/srv/stepwell stepwell token create NAME --role owner` and then `stepwell stop`.

There is no need to start a server for work on one machine: every command starts the project's
own when it needs it. Ctrl-C stops the server; running steps go on, and the next server finds them.")]
pub(crate) struct Args {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; the one of the last time unless given, 8471 for other machines
    #[arg(long)]
    port: Option<u16>,
    /// The data folder; the project's `.stepwell` unless given
    #[arg(long, value_name = "DIR")]
    data: Option<Utf8PathBuf>,
    /// The server's certificate as a PEM file: https is spoken where other machines ask
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<Utf8PathBuf>,
    /// The certificate's private key as a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<Utf8PathBuf>,
    /// The URL by which the nodes of clusters reach this server, when it is not the one it listens at
    #[arg(long, value_name = "URL", env = "STEPWELL_ADVERTISE")]
    advertise: Option<String>,
    /// The largest file that can be uploaded
    #[arg(long, value_name = "GIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    upload_max: u64,
    /// How many requests are worked on at once
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests_max: u32,
    /// Refuse steps for compute targets that nobody created, instead of running them here
    #[arg(long)]
    shared: bool,
    /// The workspace's name when the data folder is new
    #[arg(long, value_name = "NAME")]
    workspace_name: Option<String>,
    /// Stop after so many seconds without work or clients
    #[arg(long, value_name = "SECONDS")]
    idle_exit: Option<u64>,
    /// How much of datastores on other machines is kept here, such as 500M or 20G
    #[arg(
        long,
        value_name = "SIZE",
        env = "STEPWELL_CACHE_SIZE",
        default_value = "20G"
    )]
    cache_size: Size,
    /// Take over a data folder that was not made here, as `stepwell adopt` does
    #[arg(long)]
    adopt: bool,
    /// Leave the terminal's session: for the embedded server
    #[arg(long, hide = true)]
    detached: bool,
}

/// A number of bytes, as a person writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u64);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "K" | "KB" => 1 << 10,
            "M" | "MB" => 1 << 20,
            "G" | "GB" => 1 << 30,
            "T" | "TB" => 1 << 40,
            _ => 0,
        };
        let size = digits.parse::<u64>().ok().filter(|_| unit > 0);
        let size = size.and_then(|size| size.checked_mul(unit));
        size.map(Self)
            .ok_or_else(|| "give a number with K, M, G or T, such as 500M".to_owned())
    }
}

/// Does it.
pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    if args.detached {
        // Fails only for a process that leads a session already, which is what is wanted.
        let _ = rustix::process::setsid();
    }
    let home = home(&args, context)?;
    embedded::prepare(&home.data_folder)?;
    let config = ServeConfig {
        data_folder: home.data_folder,
        host: args.host,
        port: args.port,
        tls: args
            .tls_cert
            .zip(args.tls_key)
            .map(|(certificate, key)| TlsFiles { certificate, key }),
        advertised: args.advertise,
        limits: Limits {
            upload_bytes: args.upload_max << 30,
            requests: args.requests_max as usize,
            ..Limits::default()
        },
        mode: if args.shared {
            Mode::Shared
        } else {
            Mode::Embedded
        },
        supervisor: service::supervisor()?,
        program: service::program()?,
        idle_exit: args.idle_exit.map(Duration::from_secs),
        workspace_name: home.workspace_name,
        adopt: args.adopt,
        cache_bytes_max: args.cache_size.0,
    };
    let served = service::run(config, |endpoint| {
        // Whoever started the server need not listen to it.
        let (folder, url) = (&endpoint.data_folder, &endpoint.url);
        let _ = output::print(&match &endpoint.shared_url {
            None => format!("serving `{folder}` at {url}\n"),
            Some(shared) => format!("serving `{folder}` at {shared}, and here at {url}\n"),
        });
    });
    match served {
        Ok(()) => {
            let text =
                "the server has stopped; running steps go on, and the next server finds them";
            output::note(text);
        }
        // Losing the race to start is no news for the log: the winner writes to it as well.
        Err(failure) if args.detached && failure.exit == Exit::FolderTaken => {
            return Ok(failure.exit);
        }
        Err(failure) => return Err(failure),
    }
    Ok(Exit::Success)
}

/// The data folder to serve, whatever server `STEPWELL_URL` may name.
fn home(args: &Args, context: &Context) -> Result<Home, Failure> {
    let data = match &args.data {
        Some(data) => Some(
            Utf8PathBuf::try_from(std::path::absolute(data)?)
                .map_err(|error| error.into_io_error())?,
        ),
        None => context.surroundings.data.clone(),
    };
    let mut home = discover::home(&context.folder, data.as_deref());
    if let Some(name) = &args.workspace_name {
        home.workspace_name.clone_from(name);
    }
    Ok(home)
}
