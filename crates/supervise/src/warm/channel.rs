//! Messages between a supervisor and its zygote: eight digits of length, and JSON. See `zygote.py`,
//! which is the other end.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long the other end may take for an answer that takes it a millisecond: when that is over,
/// it hangs.
const PATIENCE: Duration = Duration::from_secs(10);
const LENGTH_DIGITS: usize = 8;
/// No answer is longer.
const LENGTH_MAX: usize = 1 << 20;

/// The supervisor's end.
pub(super) struct Channel(UnixStream);

impl Channel {
    pub(super) fn pair() -> io::Result<(Self, UnixStream)> {
        let (own, other) = UnixStream::pair()?;
        own.set_write_timeout(Some(PATIENCE))?;
        own.set_read_timeout(Some(PATIENCE))?;
        Ok((Self(own), other))
    }

    /// The supervisor's end, as it was lent to another process.
    pub(super) fn of(end: OwnedFd) -> Self {
        Self(end.into())
    }

    /// The same end once more.
    pub(super) fn another_end(&self) -> io::Result<OwnedFd> {
        Ok(self.0.try_clone()?.into())
    }

    /// Has whoever holds an end of it see that it is over.
    pub(super) fn end(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let body = serde_json::to_vec(message)?;
        let mut text = format!("{:08}", body.len()).into_bytes();
        text.extend(body);
        self.0.write_all(&text)
    }

    /// One byte: that the fork may begin.
    pub(super) fn release(&mut self) -> io::Result<()> {
        self.0.write_all(b"1")
    }

    pub(super) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut length = [0; LENGTH_DIGITS];
        self.0.read_exact(&mut length)?;
        let length = std::str::from_utf8(&length)
            .ok()
            .and_then(|text| text.parse().ok());
        let length = length.filter(|&length| length <= LENGTH_MAX);
        let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        self.0.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// The next message if it begins to arrive within a time.
    pub(super) fn receive_within<T: DeserializeOwned>(
        &mut self,
        time: Duration,
    ) -> io::Result<Option<T>> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let time = Timespec::try_from(time).unwrap_or_default();
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, Some(&time)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => self.receive().map(Some),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_or_an_error() {
        let (mut own, mut other) = Channel::pair().expect("a pair");
        assert_eq!(
            own.receive_within::<String>(Duration::ZERO).expect("open"),
            None
        );
        own.send(&"ü").expect("sent");
        let mut text = [0; 12];
        other.read_exact(&mut text).expect("a message");
        assert_eq!(text, *"00000004\"ü\"".as_bytes());
        other.write_all(b"00000003\"a\"").expect("written");
        let heard: Option<String> = own.receive_within(PATIENCE).expect("a message");
        assert_eq!(heard.as_deref(), Some("a"));
        for wrong in ["x0000003\"a\"", "99999999", "00000002{"] {
            let (mut own, mut other) = Channel::pair().expect("a pair");
            other.write_all(wrong.as_bytes()).expect("written");
            drop(other);
            assert!(own.receive::<String>().is_err(), "{wrong}");
        }
    }
}
