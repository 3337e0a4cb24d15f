//! How a connection to SQL Server begins: the prelogin, and TLS within it.
//!
//! Up to version 7.4 of the protocol the handshake of TLS travels in prelogin packets, and what comes
//! after it does not. The client library has its own TLS only with a second cryptographic library, so
//! here its packets go through a connection that is encrypted already: it is shown the server's answer
//! to the prelogin that we have sent, and its own is not passed on.
//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-tds>, 2.2.6.5 and 3.2.5.2.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The length of a packet's header: type, status, length, process, number, window.
const HEADER: usize = 8;

const PRELOGIN: u8 = 0x12;
const ANSWER: u8 = 0x04;
const LAST_OF_MESSAGE: u8 = 1;

/// What a side says of encryption.
const ENCRYPT_ON: u8 = 1;
const NO_ENCRYPTION: u8 = 2;
const ENCRYPT_REQUIRED: u8 = 3;

/// The options of a prelogin.
const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const THREAD: u8 = 3;
const MARS: u8 = 4;
const SIGNS_IN_ELSEWHERE: u8 = 6;
const END: u8 = 0xff;

/// How a connection is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Whether it is encrypted.
    pub(super) is_encrypted: bool,
    /// Whether the login is a token of Azure's directory.
    pub(super) has_token: bool,
}

/// A connection on which the client library can begin.
pub(super) enum Door {
    /// As it is.
    Plain(Passing<TcpStream>),
    /// Encrypted.
    Tls(Box<Passing<TlsStream<Wrapped>>>),
}

/// Opens a connection to a host.
pub(super) async fn open(host: &str, port: u16, terms: Terms) -> io::Result<Door> {
    let mut tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    tcp.write_all(&packet(PRELOGIN, &prelogin(terms))).await?;
    let (kind, answer) = read_packet(&mut tcp).await?;
    if kind != ANSWER {
        return Err(fault("what answers is no SQL Server"));
    }
    let said = option(&answer, ENCRYPTION).and_then(|option| option.first().copied());
    let reply = packet(ANSWER, &answer);
    match (terms.is_encrypted, said) {
        (true, Some(ENCRYPT_ON | ENCRYPT_REQUIRED)) => {
            let tls = encrypted(host, tcp).await?;
            Ok(Door::Tls(Box::new(Passing::new(tls, reply))))
        }
        (true, _) => Err(fault("the server takes no encrypted connections")),
        (false, Some(ENCRYPT_ON | ENCRYPT_REQUIRED)) => Err(fault(
            "the server takes encrypted connections only, and the datastore is registered without",
        )),
        (false, _) => Ok(Door::Plain(Passing::new(tcp, reply))),
    }
}

async fn encrypted(host: &str, tcp: TcpStream) -> io::Result<TlsStream<Wrapped>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // Later versions send more after the handshake, when nothing is wrapped any more.
    let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS12])
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut tls = connector.connect(name, Wrapped::new(tcp)).await?;
    tls.get_mut().0.is_over = true;
    Ok(tls)
}

fn fault(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A message of one packet.
fn packet(kind: u8, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER + message.len()).unwrap_or(u16::MAX);
    let mut packet = vec![kind, LAST_OF_MESSAGE];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 1, 0]);
    packet.extend(message);
    packet
}

/// The kind of a packet and what it carries.
async fn read_packet(tcp: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; HEADER];
    tcp.read_exact(&mut header).await?;
    let mut message = vec![0; payload(header)?];
    tcp.read_exact(&mut message).await?;
    Ok((header[0], message))
}

fn payload(header: [u8; HEADER]) -> io::Result<usize> {
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let length = length.checked_sub(HEADER);
    length.ok_or_else(|| fault("a packet is shorter than its header"))
}

/// Our prelogin: a table of options, and their values.
fn prelogin(terms: Terms) -> Vec<u8> {
    let encryption = match terms.is_encrypted {
        true => ENCRYPT_ON,
        false => NO_ENCRYPTION,
    };
    let mut options: Vec<(u8, Vec<u8>)> = vec![
        (VERSION, vec![0; 6]),
        (ENCRYPTION, vec![encryption]),
        (INSTANCE, vec![0]),
        (THREAD, vec![0; 4]),
        (MARS, vec![0]),
    ];
    if terms.has_token {
        options.push((SIGNS_IN_ELSEWHERE, vec![1]));
    }
    let (mut table, mut values) = (Vec::new(), Vec::new());
    let begin = options.len() * 5 + 1;
    for (name, value) in options {
        let number = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
        table.push(name);
        table.extend(number(begin + values.len()));
        table.extend(number(value.len()));
        values.extend(value);
    }
    table.push(END);
    table.extend(values);
    table
}

/// The value of an option of a prelogin.
fn option(message: &[u8], wanted: u8) -> Option<&[u8]> {
    let entries = message.chunks_exact(5).take_while(|entry| entry[0] != END);
    let found = entries.into_iter().find(|entry| entry[0] == wanted)?;
    let number = |at: usize| usize::from(u16::from_be_bytes([found[at], found[at + 1]]));
    let (begin, length) = (number(1), number(3));
    message.get(begin..begin + length)
}

/// Bytes of a TLS handshake in prelogin packets, until it is over.
pub(super) struct Wrapped {
    tcp: TcpStream,
    is_over: bool,
    /// What is to be sent in a packet.
    out: Vec<u8>,
    /// The packet on its way, and how much of it has gone.
    leaving: Vec<u8>,
    gone: usize,
    /// The header of the packet that arrives, as much of it as is there.
    header: [u8; HEADER],
    header_bytes: usize,
    /// What is missing of that packet.
    missing: usize,
}

impl Wrapped {
    const fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            is_over: false,
            out: Vec::new(),
            leaving: Vec::new(),
            gone: 0,
            header: [0; HEADER],
            header_bytes: 0,
            missing: 0,
        }
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.header_bytes < HEADER {
            let mut buffer = ReadBuf::new(&mut self.header[self.header_bytes..]);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => return Poll::Ready(Ok(false)),
                count => self.header_bytes += count,
            }
        }
        self.missing = payload(self.header)?;
        self.header_bytes = 0;
        Poll::Ready(Ok(true))
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over {
            return Pin::new(&mut this.tcp).poll_read(cx, buffer);
        }
        while this.missing == 0 {
            if !ready!(this.poll_header(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
        let mut space = [0; 2048];
        let most = space.len().min(this.missing).min(buffer.remaining());
        let mut part = ReadBuf::new(&mut space[..most]);
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
        this.missing -= part.filled().len();
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_over {
            return Pin::new(&mut this.tcp).poll_write(cx, bytes);
        }
        this.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.leaving.is_empty() && !this.out.is_empty() {
            this.leaving = packet(PRELOGIN, &std::mem::take(&mut this.out));
        }
        while this.gone < this.leaving.len() {
            let left = &this.leaving[this.gone..];
            match ready!(Pin::new(&mut this.tcp).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => this.gone += count,
            }
        }
        this.leaving.clear();
        this.gone = 0;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// A connection whose prelogin is done: the first packet that is written is not passed on, and what is
/// read first is the answer to it.
pub(super) struct Passing<S> {
    stream: S,
    reply: Vec<u8>,
    shown: usize,
    /// The first packet, as much of it as was written; nothing once it is complete.
    first: Option<Vec<u8>>,
}

impl<S> Passing<S> {
    const fn new(stream: S, reply: Vec<u8>) -> Self {
        Self {
            stream,
            reply,
            shown: 0,
            first: Some(Vec::new()),
        }
    }

    /// Takes what belongs to the first packet; how many of the bytes.
    fn swallow(&mut self, bytes: &[u8]) -> usize {
        let Some(first) = &mut self.first else {
            return 0;
        };
        let length = |first: &[u8]| match first {
            [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => HEADER,
        };
        let mut taken = 0;
        while taken < bytes.len() && first.len() < length(first) {
            first.push(bytes[taken]);
            taken += 1;
        }
        if first.len() >= length(first).max(HEADER) {
            self.first = None;
        }
        taken
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Passing<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let rest = &this.reply[this.shown..];
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        this.shown += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Passing<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.swallow(bytes) {
            0 => Pin::new(&mut this.stream).poll_write(cx, bytes),
            taken => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Door {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Door {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_a_prelogin_are_found_where_its_table_says() {
        let terms = Terms {
            is_encrypted: true,
            has_token: true,
        };
        let message = prelogin(terms);
        assert_eq!(option(&message, ENCRYPTION), Some(&[ENCRYPT_ON][..]));
        assert_eq!(option(&message, SIGNS_IN_ELSEWHERE), Some(&[1][..]));
        assert_eq!(option(&message, VERSION), Some(&[0; 6][..]));
        let plain = prelogin(Terms {
            is_encrypted: false,
            has_token: false,
        });
        assert_eq!(option(&plain, ENCRYPTION), Some(&[NO_ENCRYPTION][..]));
        assert_eq!(option(&plain, SIGNS_IN_ELSEWHERE), None);
        // Values that are not there.
        assert_eq!(option(&[ENCRYPTION, 0, 90, 0, 1, END], ENCRYPTION), None);
        assert_eq!(option(&[], ENCRYPTION), None);
    }

    #[test]
    fn the_first_packet_goes_no_further_however_it_is_cut() {
        let first = packet(PRELOGIN, b"prelogin");
        let all = [&first[..], b"login"].concat();
        for size in 1..all.len() {
            let mut passing = Passing::new((), Vec::new());
            let mut passed: Vec<u8> = Vec::new();
            for piece in all.chunks(size) {
                let mut at = 0;
                while at < piece.len() {
                    match passing.swallow(&piece[at..]) {
                        0 => {
                            passed.extend(&piece[at..]);
                            break;
                        }
                        taken => at += taken,
                    }
                }
            }
            assert_eq!(passed, b"login", "in pieces of {size}");
        }
    }
}
