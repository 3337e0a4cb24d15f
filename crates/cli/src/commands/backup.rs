//! `stepwell backup`: a consistent copy of the data folder, made while its server goes on.

use std::os::unix::fs::DirBuilderExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::backup::{self, Copied};
use stepwell_data::folder::DataFolder;
use stepwell_server::care;

use crate::discover::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::size;
use crate::session::Context;

/// Copy the data folder, consistent, while runs go on
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stepwell backup /mnt/backup/churn-monday\n  stepwell restore /mnt/backup/churn-monday\n\nThe database is copied as it is at one moment, and then all files that it names. Environments and\nthe cache are left out: they are made again. The copy holds the folder's secrets; keep it private."
)]
pub(crate) struct Args {
    /// The folder to make; it must not exist yet
    #[arg(value_name = "DEST")]
    dest: Utf8PathBuf,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let folder = local_folder(context)?;
    if !folder.join("stepwell.db").exists() {
        let message = format!("there is nothing to copy in `{folder}`");
        let hint = "name the project's folder with `--folder`";
        return Err(Failure::new(Exit::NotFound, message, hint));
    }
    let copied = copy(&folder, &args.dest)?;
    output::print(&format!(
        "copied `{folder}` to `{}`: the database and {}, {}\n",
        args.dest,
        size::count(usize::try_from(copied.files).unwrap_or(usize::MAX), "file"),
        size::bytes(copied.bytes)
    ))?;
    Ok(Exit::Success)
}

/// The data folder on this machine.
pub(super) fn local_folder(context: &Context) -> Result<Utf8PathBuf, Failure> {
    match context.place()? {
        Place::Local(home) => Ok(home.data_folder),
        Place::Remote { url, .. } => {
            let message = format!("the data of the server at {url} are not on this machine");
            let hint = "do this where it runs, or unset `STEPWELL_URL`";
            Err(Failure::new(Exit::Refused, message, hint))
        }
    }
}

/// Copies a data folder to one that is made for it; it has its name when it is complete.
pub(super) fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<Copied, Failure> {
    if to.symlink_metadata().is_ok() {
        let message = format!("`{to}` is there already");
        return Err(Failure::new(
            Exit::Refused,
            message,
            "name a folder that does not exist yet",
        ));
    }
    let name = to.file_name().unwrap_or("backup");
    let part = to.with_file_name(format!(".{name}.part-{}", std::process::id()));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&part)?;
    let copied = copy_all(from, &part).and_then(|copied| {
        fs_err::rename(&part, to)?;
        Ok(copied)
    });
    if copied.is_err() {
        drop(fs_err::remove_dir_all(&part));
    }
    copied
}

fn copy_all(from: &Utf8Path, to: &Utf8Path) -> Result<Copied, Failure> {
    let (from, to) = (DataFolder::new(from), DataFolder::new(to));
    let failed = |error: stepwell_server::StoreError| {
        let message = format!("the database cannot be copied: {error}");
        Failure::new(
            Exit::Refused,
            message,
            "`stepwell doctor` says what is wrong with it",
        )
    };
    care::copy(&from.database(), &to.database()).map_err(failed)?;
    Ok(backup::copy(from.root(), to.root())?)
}
