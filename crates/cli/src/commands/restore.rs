//! `stepwell restore`: makes a data folder from a backup.

use camino::Utf8PathBuf;
use stepwell_server::adopt;

use super::backup::{copy, local_folder};
use crate::embedded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Context;

/// Make the data folder anew from a backup
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stepwell restore /mnt/backup/churn-monday\n\nThe backup stays as it is. A data folder that is there is moved aside, never removed. Tokens that\nwere given before are revoked unless the backup was made by you on this machine."
)]
pub(crate) struct Args {
    /// The folder that `stepwell backup` made
    #[arg(value_name = "BACKUP")]
    backup: Utf8PathBuf,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let folder = local_folder(context)?;
    if !args.backup.join("stepwell.db").is_file() {
        let message = format!("`{}` is no backup of a data folder", args.backup);
        let hint = "name the folder that `stepwell backup` made";
        return Err(Failure::new(Exit::NotFound, message, hint));
    }
    if let Some(pid) = embedded::holder(&folder) {
        let message = format!("a server (process {pid}) serves `{folder}`");
        return Err(Failure::new(
            Exit::Refused,
            message,
            "stop it first with `stepwell stop`",
        ));
    }
    // Complete beside the old one before that is touched.
    let name = folder.file_name().unwrap_or("data");
    let made = folder.with_file_name(format!("{name}.restored-{}", std::process::id()));
    copy(&args.backup, &made)?;
    if folder.exists() {
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let aside = folder.with_file_name(format!("{name}.before-{stamp}"));
        fs_err::rename(&folder, &aside)?;
        output::note(&format!("what was there is `{aside}` now"));
    }
    fs_err::rename(&made, &folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(adopt(&folder))?;
    output::print(&format!("restored `{folder}` from `{}`\n", args.backup))?;
    Ok(Exit::Success)
}
