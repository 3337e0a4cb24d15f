//! `stepwell snapshot`: stores folders by their content and prints their digests. What the SDK
//! calls for each `source_directory`, and with `--below` for the files of a model.
//!
//! When the data folder is on this machine the files go straight into it, and no server is
//! needed. Else the server says which files it lacks, and only those are sent.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_data::snapshot::{Entry, Scan, ScanOptions, scan, scan_paths, store};

use crate::client::Client;
use crate::discover::Place;
use crate::embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::size;
use crate::session::Context;

/// How many files are sent at once.
const SENDERS: usize = 4;

/// Store folders as snapshots, and print their digests
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell snapshot src\n  stepwell snapshot prepare train --json\n  stepwell snapshot --below models net/weights.bin net/labels.txt"
)]
pub(crate) struct Args {
    /// The folders; with --below, files and folders below it
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<Utf8PathBuf>,
    /// Store the named files and folders below DIR as one snapshot, whatever ignore files say
    #[arg(long, value_name = "DIR")]
    below: Option<Utf8PathBuf>,
    /// The data folder to store into
    #[arg(long, value_name = "DIR")]
    data: Option<Utf8PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The answer for all folders.
#[derive(Debug, Serialize)]
struct Snapshots {
    snapshots: Vec<Snapshot>,
}

/// The answer for one folder.
#[derive(Debug, Serialize)]
struct Snapshot {
    directory: Utf8PathBuf,
    digest: String,
    files: usize,
    bytes: u64,
    warnings: Vec<String>,
}

/// Where snapshots go.
enum Target {
    Folder(Cas),
    Server(Client),
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let target = target(args, context)?;
    let snapshots = match &args.below {
        Some(base) => {
            let scan = scan_paths(base, &args.directories, ScanOptions::default())?;
            vec![keep(&target, base, &scan)?]
        }
        None => args
            .directories
            .iter()
            .map(|directory| keep_folder(&target, directory))
            .collect::<Result<_, Failure>>()?,
    };
    if args.json {
        output::json(&Snapshots { snapshots })?;
        return Ok(Exit::Success);
    }
    for snapshot in snapshots {
        for warning in &snapshot.warnings {
            output::note(&format!("warning: {warning}"));
        }
        let files = size::count(snapshot.files, "file");
        let bytes = size::bytes(snapshot.bytes);
        let (digest, directory) = (&snapshot.digest, &snapshot.directory);
        output::print(&format!("{digest}  {directory} ({files}, {bytes})\n"))?;
    }
    Ok(Exit::Success)
}

fn target(args: &Args, context: &Context) -> Result<Target, Failure> {
    let data_folder = match (&args.data, context.place()?) {
        (Some(data), _) => data.clone(),
        (None, Place::Local(home)) => home.data_folder,
        (None, Place::Remote { url, token, socket }) => {
            return Ok(Target::Server(Client::by(&url, &token, socket.as_deref())));
        }
    };
    embedded::prepare(&data_folder)?;
    Ok(Target::Folder(Cas::open(
        &DataFolder::new(data_folder).objects(),
    )?))
}

/// How often a folder is read in which other programs work.
const READS_MAX: u32 = 10;

/// Keeps a folder; it is read again when a file of it changes before it is kept.
fn keep_folder(target: &Target, directory: &Utf8Path) -> Result<Snapshot, Failure> {
    for _ in 1..READS_MAX {
        let scan = scan(directory, ScanOptions::default())?;
        let Target::Folder(cas) = target else {
            return keep(target, directory, &scan);
        };
        match store(cas, &scan) {
            Err(error) if error.is_of_change() => {}
            stored => return Ok(snapshot(directory, stored?.to_string(), &scan)),
        }
    }
    keep(target, directory, &scan(directory, ScanOptions::default())?)
}

fn keep(target: &Target, directory: &Utf8Path, scan: &Scan) -> Result<Snapshot, Failure> {
    let digest = match target {
        Target::Folder(cas) => store(cas, scan)?.to_string(),
        Target::Server(client) => send(client, scan)?,
    };
    Ok(snapshot(directory, digest, scan))
}

fn snapshot(directory: &Utf8Path, digest: String, scan: &Scan) -> Snapshot {
    Snapshot {
        directory: directory.to_owned(),
        digest,
        files: scan.manifest.entries.len(),
        bytes: scan.total_bytes,
        warnings: scan.warnings.clone(),
    }
}

/// Sends what the server lacks; the digest it knows the snapshot by.
fn send(client: &Client, scan: &Scan) -> Result<String, Failure> {
    let manifest = scan.manifest.encode();
    let digest = blake3::hash(&manifest).to_hex().to_string();
    let lacking = client.put_snapshot(&digest, &manifest)?.missing;
    if lacking.is_empty() {
        return Ok(digest);
    }
    send_objects(client, scan, &lacking)?;
    match client.put_snapshot(&digest, &manifest)?.missing.first() {
        None => Ok(digest),
        Some(object) => Err(Failure::new(
            Exit::Refused,
            format!("the server still lacks object `{object}` after it was sent"),
            "try again; if it stays so, its disk may be failing",
        )),
    }
}

fn send_objects(client: &Client, scan: &Scan, lacking: &[String]) -> Result<(), Failure> {
    let lacking: HashSet<&str> = lacking.iter().map(String::as_str).collect();
    let mut wanted: Vec<(String, &Entry)> = scan
        .manifest
        .entries
        .iter()
        .map(|entry| (entry.digest.to_string(), entry))
        .filter(|(digest, _)| lacking.contains(digest.as_str()))
        .collect();
    wanted.sort_by(|(a, _), (b, _)| a.cmp(b));
    wanted.dedup_by(|(a, _), (b, _)| a == b);
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..SENDERS.min(wanted.len()) {
            scope.spawn(|| {
                while let Some((digest, entry)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = send_object(client, &scan.path_of(entry), digest) {
                        *failure.lock().expect("no holder panics") = Some(error);
                        // The others need not go on either.
                        next.store(wanted.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    failure
        .into_inner()
        .expect("no holder panics")
        .map_or(Ok(()), Err)
}

fn send_object(client: &Client, path: &Utf8Path, digest: &str) -> Result<(), Failure> {
    Ok(client.put_object(digest, &fs_err::File::open(path)?)?)
}
