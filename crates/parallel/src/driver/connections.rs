//! The workers' connections: who is who, what they send, and what they are sent.
//!
//! A connection is listened to only after it has named the driver's secret, a known version and a
//! worker. What it says then comes through one channel, in its order.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel};

use crate::core::WorkerId;
use crate::protocol::{self, DriverMessage, HostId, HostMessage, WorkerMessage};

/// How long a connection may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(30);

/// How much may wait to be heard.
const WAITING: usize = 256;

/// What comes from connections.
pub(crate) enum ConnectionEvent {
    /// A worker has come; messages to it go through this.
    Came(Option<WorkerId>, UnboundedSender<Vec<u8>>),
    /// It says something.
    WorkerMessage(Option<WorkerId>, WorkerMessage, Vec<u8>),
    /// Its connection has ended.
    Left(Option<WorkerId>),
    /// A process with the driver's secret speaks another version of the protocol: this one.
    OtherVersion(u32),
    /// Something of one that starts workers on another node.
    Host(HostId, HostNews),
}

/// What comes from a host.
pub(crate) enum HostNews {
    /// It has come; orders to it go through this.
    Came(UnboundedSender<Vec<u8>>),
    /// It says something.
    Said(HostMessage),
    /// Its connection has ended.
    Left,
}

/// From where workers may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine.
    ThisMachine,
    /// Any machine that reaches this one.
    Network,
}

/// Listens for workers; `None` stands for the planner, which has a channel of its own so that it
/// can be left waiting.
pub(crate) struct Connections {
    pub(crate) port: u16,
    pub(crate) news: Receiver<ConnectionEvent>,
    pub(crate) plan: Receiver<ConnectionEvent>,
}

impl Connections {
    /// Listens on a port that is free.
    pub(crate) async fn listen(token: String, reach: Reach) -> io::Result<Self> {
        let address = match reach {
            Reach::ThisMachine => Ipv4Addr::LOCALHOST,
            Reach::Network => Ipv4Addr::UNSPECIFIED,
        };
        let listener = TcpListener::bind((address, 0)).await?;
        let port = listener.local_addr()?.port();
        let (to_news, news) = channel(WAITING);
        let (to_plan, plan) = channel(1);
        let token: Arc<str> = token.into();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of descriptors, mostly: there may be some in a moment.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (news, plan) = (to_news.clone(), to_plan.clone());
                tokio::spawn(converse(stream, Arc::clone(&token), news, plan));
            }
        });
        Ok(Self { port, news, plan })
    }
}

/// One connection from its hello to its end.
async fn converse(
    stream: TcpStream,
    token: Arc<str>,
    news: Sender<ConnectionEvent>,
    plan: Sender<ConnectionEvent>,
) {
    let _ = stream.set_nodelay(true);
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::with_capacity(1 << 16, reading);
    let hello = tokio::time::timeout(HELLO_WITHIN, protocol::read_hello(&mut reading)).await;
    let Ok(Ok(Some((
        WorkerMessage::Hello {
            protocol,
            token: theirs,
            worker,
            ..
        },
        _,
    )))) = hello
    else {
        return;
    };
    if *theirs != *token {
        return;
    }
    let (id, host) = (protocol::worker(&worker), HostId::of_name(&worker));
    let to = match (id, host) {
        (Some(_), _) | (_, Some(_)) => news,
        _ if worker == protocol::PLANNER => plan,
        _ => return,
    };
    if protocol != protocol::VERSION {
        // Both sides say so: the worker in its own log, the driver in the step's.
        let ours = protocol::VERSION;
        let refusal = protocol::frame(&DriverMessage::OtherVersion { protocol: ours }, b"");
        let _ = writing.write_all(&refusal).await;
        let _ = to.send(ConnectionEvent::OtherVersion(protocol)).await;
        return;
    }
    let (sender, outgoing) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(write(writing, outgoing));
    match host {
        Some(host) => hear_host(host, reading, sender, to).await,
        None => hear_worker(id, reading, sender, to).await,
    }
}

async fn hear_worker(
    id: Option<WorkerId>,
    mut reading: impl AsyncRead + Unpin,
    outgoing: UnboundedSender<Vec<u8>>,
    to: Sender<ConnectionEvent>,
) {
    if to.send(ConnectionEvent::Came(id, outgoing)).await.is_err() {
        return;
    }
    while let Ok(Some((said, body))) = protocol::read(&mut reading).await {
        let event = ConnectionEvent::WorkerMessage(id, said, body);
        if to.send(event).await.is_err() {
            return;
        }
    }
    // The driver may be at its end.
    let _ = to.send(ConnectionEvent::Left(id)).await;
}

async fn hear_host(
    id: HostId,
    mut reading: impl AsyncRead + Unpin,
    outgoing: UnboundedSender<Vec<u8>>,
    to: Sender<ConnectionEvent>,
) {
    let event = |news| ConnectionEvent::Host(id, news);
    if to.send(event(HostNews::Came(outgoing))).await.is_err() {
        return;
    }
    while let Ok(Some((said, _))) = protocol::read(&mut reading).await {
        if to.send(event(HostNews::Said(said))).await.is_err() {
            return;
        }
    }
    // The driver may be at its end.
    let _ = to.send(event(HostNews::Left)).await;
}

/// A connection that takes nothing any more has ended; its reader reports it.
async fn write(
    mut writing: tokio::net::tcp::OwnedWriteHalf,
    mut outgoing: UnboundedReceiver<Vec<u8>>,
) {
    while let Some(mut bytes) = outgoing.recv().await {
        while let Ok(more) = outgoing.try_recv() {
            bytes.extend_from_slice(&more);
        }
        if writing.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_worker_of_another_version_is_sent_ours_and_reported() {
        let mut connections = Connections::listen("secret".to_owned(), Reach::ThisMachine)
            .await
            .expect("it listens");
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, connections.port))
            .await
            .expect("connected");
        let hello = format!(
            r#"{{"say": "hello", "protocol": {}, "token": "secret", "worker": "0.1", "pid": 1}}"#,
            protocol::VERSION + 1
        );
        let lengths = [u32::try_from(hello.len()).expect("short"), 0].map(u32::to_be_bytes);
        stream.write_all(&lengths.concat()).await.expect("sent");
        stream.write_all(hello.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&answer[8..]).expect("JSON");
        let expected = serde_json::json!({"do": "welcome", "protocol": protocol::VERSION});
        assert_eq!(answer, expected);
        let news = connections.news.recv().await;
        assert!(
            matches!(news, Some(ConnectionEvent::OtherVersion(theirs)) if theirs != protocol::VERSION)
        );
    }
}
