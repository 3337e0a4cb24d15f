//! Connections to the server of a data folder, by its socket file.
//!
//! Invariant: nothing is sent before the system has said that the process at the other end belongs
//! to this user.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::net::sockopt::socket_peercred;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// Opens the socket, whatever address is asked for.
#[derive(Debug, Clone)]
pub(super) struct UnixConnector(pub(super) Utf8PathBuf);

impl<In: Transport> Connector<In> for UnixConnector {
    type Out = UnixTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let config = details.config;
        let sizes = (config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(UnixTransport {
            stream: connect(&self.0)?,
            buffers: LazyBuffers::new(sizes.0, sizes.1),
        }))
    }
}

/// Connects to a socket of this user's own.
pub(super) fn connect(path: &Utf8Path) -> io::Result<UnixStream> {
    if !path.symlink_metadata()?.file_type().is_socket() {
        return Err(io::Error::other(format!("`{path}` is no socket")));
    }
    let stream = UnixStream::connect(path)?;
    match socket_peercred(&stream)?.uid == rustix::process::geteuid() {
        true => Ok(stream),
        false => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("`{path}` is served by another user"),
        )),
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = timeout.for_write();
        let limit = timeout.not_zero().map(|limit| *limit);
        self.stream.set_write_timeout(limit)?;
        let output = &self.buffers.output()[..amount];
        self.stream
            .write_all(output)
            .map_err(|error| timed(error, &timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = timeout.for_read();
        let limit = timeout.not_zero().map(|limit| *limit);
        self.stream.set_read_timeout(limit)?;
        let input = self.buffers.input_append_buf();
        let amount = loop {
            match self.stream.read(input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| timed(error, &timeout))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // An idle connection has nothing to read, and no end.
        let mut byte = [0];
        let quiet = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.read(&mut byte),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        quiet && self.stream.set_nonblocking(false).is_ok()
    }
}

fn timed(error: io::Error, timeout: &NextTimeout) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_no_socket() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path();
        let socket = root.join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        connect(&socket).expect("it is ours");
        std::os::unix::fs::symlink(&socket, root.join("link")).expect("a link");
        connect(&root.join("link")).expect_err("it may lead anywhere");
    }
}
