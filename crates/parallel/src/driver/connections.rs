//! The workers' connections: who is who, what they say, and what they are told.
//!
//! A connection is listened to only after it has named the driver's secret, a known version and a
//! worker. What it says then comes through one channel, in its order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel};

use crate::core::WorkerId;
use crate::protocol::{self, Said};

/// How long a connection may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(30);

/// How much may wait to be heard.
const WAITING: usize = 256;

/// What comes from connections.
pub(crate) enum News {
    /// A worker has come; it is told things through this.
    Came(Option<WorkerId>, UnboundedSender<Vec<u8>>),
    /// It says something.
    Said(Option<WorkerId>, Said, Vec<u8>),
    /// Its connection has ended.
    Left(Option<WorkerId>),
}

/// Listens for workers; `None` stands for the planner, which has a channel of its own so that it
/// can be left waiting.
pub(crate) struct Connections {
    pub(crate) address: String,
    pub(crate) news: Receiver<News>,
    pub(crate) plan: Receiver<News>,
}

impl Connections {
    /// Listens on this machine.
    pub(crate) async fn listen(token: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
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
        Ok(Self {
            address,
            news,
            plan,
        })
    }
}

/// One connection from its hello to its end.
async fn converse(stream: TcpStream, token: Arc<str>, news: Sender<News>, plan: Sender<News>) {
    let _ = stream.set_nodelay(true);
    let (reading, writing) = stream.into_split();
    let mut reading = BufReader::with_capacity(1 << 16, reading);
    let hello = tokio::time::timeout(HELLO_WITHIN, protocol::read(&mut reading)).await;
    let Ok(Ok(Some((
        Said::Hello {
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
    if *theirs != *token || protocol != protocol::VERSION {
        return;
    }
    let id = protocol::worker(&worker);
    let to = match id {
        Some(_) => news,
        None if worker == protocol::PLANNER => plan,
        None => return,
    };
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(write(writing, told));
    if to.send(News::Came(id, tell)).await.is_err() {
        return;
    }
    while let Ok(Some((said, body))) = protocol::read(&mut reading).await {
        if to.send(News::Said(id, said, body)).await.is_err() {
            return;
        }
    }
    // The driver may be at its end.
    let _ = to.send(News::Left(id)).await;
}

/// A connection that takes nothing any more has ended; its reader tells.
async fn write(mut writing: tokio::net::tcp::OwnedWriteHalf, mut told: UnboundedReceiver<Vec<u8>>) {
    while let Some(mut bytes) = told.recv().await {
        while let Ok(more) = told.try_recv() {
            bytes.extend_from_slice(&more);
        }
        if writing.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
