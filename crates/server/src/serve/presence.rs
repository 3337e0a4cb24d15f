//! That a server can be found as long as it runs: its socket and the file that says where it is are
//! made again when somebody deletes them, and a deleted database is noticed.
//!
//! Invariant: nothing is made in a folder that is not the server's own. One that was deleted, moved
//! or replaced has, or gets, a server of its own.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::DataFolder;
use stepwell_data::home::write_private;
use stepwell_data::socket;
use tokio::net::UnixListener;

use super::sockets;
use crate::app::Condition;
use crate::lock::Root;

/// How often it is seen to.
const EVERY: Duration = Duration::from_secs(2);

/// Watches over the files until the folder is no more where it was; a socket that had to be made
/// anew is given to `reopen`.
pub(super) async fn keep(
    folder: &DataFolder,
    socket: &Utf8Path,
    root: &Root,
    endpoint: &str,
    condition: Condition,
    mut reopen: impl FnMut(UnixListener),
) {
    let mut path = socket.to_owned();
    let (mut socket, database) = (inode(&path), inode(&folder.database()));
    loop {
        tokio::time::sleep(EVERY).await;
        if !root.is_in_place() {
            return;
        }
        condition.set_database_gone(inode(&folder.database()) != database);
        let at_present = inode(&path);
        // It may have been deleted before it was first looked at.
        if at_present.is_none() || at_present != socket {
            match socket_anew(folder) {
                Ok((listener, at)) => {
                    reopen(listener);
                    path = at;
                }
                Err(error) => tracing::warn!(%error, "the socket cannot be made again"),
            }
            socket = inode(&path);
        }
        if !folder.server_file().exists()
            && let Err(error) = write_private(&folder.server_file(), endpoint.as_bytes())
        {
            tracing::warn!(%error, "the file that says where the server is cannot be made again");
        }
    }
}

/// The folder of sockets may be gone with the socket.
fn socket_anew(folder: &DataFolder) -> io::Result<(UnixListener, Utf8PathBuf)> {
    let path = socket::place(folder.root())?;
    Ok((sockets::socket_file(&path)?, path))
}

fn inode(path: &Utf8Path) -> Option<u64> {
    Some(path.symlink_metadata().ok()?.ino())
}
