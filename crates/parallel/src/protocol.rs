//! What a driver and its workers say to each other, and how it is framed. Version 1.
//!
//! A worker connects to the driver over TCP; so it does not matter on which machine it runs or who
//! has started it. All it needs beside the step's working folder and environment are three
//! variables:
//!
//! | variable | value |
//! |---|---|
//! | `STEPWELL_PARALLEL_DRIVER` | `host:port` |
//! | `STEPWELL_PARALLEL_TOKEN` | the secret of this driver |
//! | `STEPWELL_PARALLEL_WORKER` | `place.life`, or `planner` |
//!
//! # Frames
//!
//! ```text
//! u32 length of the header, big-endian
//! u32 length of the body, big-endian
//! header: one JSON object
//! body:   bytes, as the header's kind has it
//! ```
//!
//! # Conversation
//!
//! ```text
//! worker   hello {protocol, token, worker, pid}
//! driver   welcome {settings of the worker}
//! worker   ready, or unready {error}
//! driver   run {batch, try}                       body: what the mini-batch is, JSON
//! worker   began {batch, items}                   only for what had to be read first
//! worker   done {batch, items, rows, memory?}     body: the rows as text
//!          or raised {batch, items?, error, detail}
//! driver   leave
//! ```
//!
//! A driver may send several `run` in advance; a worker answers them in order. A connection that
//! ends ends the worker. The planner says `planned {items?}` (body: what the mini-batch is) until
//! `plan_ended` or `plan_failed {error}`; that it is read slowly is how the driver holds it back.
//!
//! # Hosts
//!
//! On a node that is not the driver's own a *host* starts the workers. It is the driver's own program,
//! and says hello as `host.NODE.LAUNCH`.
//!
//! ```text
//! driver   start {worker, node, process}, kill {worker}, end
//! host     ended {worker, how}                    for each worker that was to start, once
//! both     alive                                  every few seconds
//! ```
//!
//! A connection that ends ends the host with its workers; whichever side does not hear the other for a
//! minute takes it for gone.
//!
//! A driver and a worker of another version say so and part. New fields are added with defaults;
//! anything else is a new version.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::core::WorkerId;

/// The version of all that is described here.
pub const VERSION: u32 = 1;

/// The variable that names the driver's address.
pub const DRIVER: &str = "STEPWELL_PARALLEL_DRIVER";
/// The variable that holds the driver's secret.
pub const TOKEN: &str = "STEPWELL_PARALLEL_TOKEN";
/// The variable that says who the worker is.
pub const WORKER: &str = "STEPWELL_PARALLEL_WORKER";
/// Who the process is that cuts tables.
pub const PLANNER: &str = "planner";
/// What the name of one that starts workers on its node begins with.
const HOST: &str = "host.";

/// The longest header, in bytes.
const HEADER_MAX: u32 = 16 << 20;
/// The longest body, in bytes: the rows of one mini-batch.
const BODY_MAX: u32 = 2 << 30;
/// The longest header of one who has not shown the driver's secret yet, in bytes; it has no body.
const HELLO_MAX: u32 = 4 << 10;

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum WorkerMessage {
    /// First of all.
    Hello {
        /// Its version of the protocol.
        protocol: u32,
        /// The driver's secret.
        token: String,
        /// Who it is.
        worker: String,
        /// Its process.
        pid: u32,
    },
    /// `init` has returned.
    Ready,
    /// The script cannot be imported, or `init` has raised.
    Unready {
        /// In one line.
        error: String,
        /// The traceback.
        #[serde(default)]
        detail: String,
    },
    /// The mini-batch was read, and `run` is called.
    Began {
        /// Which.
        batch: u64,
        /// How many items it has.
        items: u64,
    },
    /// `run` has returned.
    Done {
        /// For which mini-batch.
        batch: u64,
        /// How many items it has.
        items: u64,
        /// How many results were returned.
        rows: u64,
        /// The resident memory of the worker, in bytes, now and then.
        #[serde(default)]
        memory: Option<u64>,
    },
    /// `run` has raised, or the mini-batch cannot be read.
    Raised {
        /// Which.
        batch: u64,
        /// How many items it has, if it could be read.
        #[serde(default)]
        items: Option<u64>,
        /// In one line.
        error: String,
        /// The traceback.
        #[serde(default)]
        detail: String,
    },
    /// A mini-batch was cut.
    Planned {
        /// How many items it has, if that is known without reading them.
        #[serde(default)]
        items: Option<u64>,
    },
    /// There are no more mini-batches.
    PlanEnded,
    /// The input cannot be cut.
    PlanFailed {
        /// Why.
        error: String,
    },
}

/// What a driver says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DriverMessage<'a> {
    /// What the worker is to be.
    Welcome {
        /// The driver's version of the protocol.
        protocol: u32,
        /// Its job.
        job: Welcome<'a>,
    },
    /// The driver's version of the protocol, which is not the worker's. It reads as a welcome
    /// without a job: every version of a worker compares the number first.
    #[serde(rename = "welcome")]
    OtherVersion {
        /// The driver's version.
        protocol: u32,
    },
    /// A mini-batch to run.
    Run {
        /// Its number.
        batch: u64,
        /// Which try it is, from 1.
        r#try: u32,
    },
    /// There is nothing more: call `shutdown` and end.
    Leave,
}

/// What a host says after its hello.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(crate) enum HostMessage {
    /// It is still there.
    Alive,
    /// A worker that it was to start is gone, or did not start.
    Ended {
        /// Which.
        worker: WorkerId,
        /// How, in words.
        how: String,
    },
}

/// What a driver says to a host.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum HostOrder {
    /// It is still there.
    Alive,
    /// A worker is to be started.
    Start {
        /// Which.
        worker: WorkerId,
        /// The node, as the step counts them.
        node: u32,
        /// The worker's number there.
        process: u32,
    },
    /// A worker is to be killed with all it has started.
    Kill {
        /// Which.
        worker: WorkerId,
    },
    /// Nothing more is to be done.
    End,
}

/// Which host it is: the node that it is on, and the how manieth that was started there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostId {
    pub(crate) node: u32,
    pub(crate) launch: u32,
}

impl HostId {
    /// Its name in a hello.
    pub(crate) fn name(self) -> String {
        format!("{HOST}{}.{}", self.node, self.launch)
    }

    /// The host of such a name.
    pub(crate) fn of_name(text: &str) -> Option<Self> {
        let (node, launch) = text.strip_prefix(HOST)?.split_once('.')?;
        Some(Self {
            node: node.parse().ok()?,
            launch: launch.parse().ok()?,
        })
    }
}

/// What a worker needs to know of its job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Welcome<'a> {
    /// The script that defines `run`.
    pub entry_script: &'a str,
    /// What it finds in `sys.argv` after its own name.
    pub arguments: &'a [String],
    /// The level of its logger.
    pub logging_level: &'a str,
    /// Where the rows go; `None` when they are only counted.
    pub output: Option<&'a str>,
    /// Whether the rows themselves are wanted.
    pub rows: bool,
    /// The folder of its node's logs, for `EntryScript.log_dir`.
    pub logs: &'a str,
    /// The node, from 0.
    pub node: u32,
    /// The worker on its node, from 0.
    pub process: u32,
    /// How many bytes of a table, or files, a mini-batch has; for the planner.
    pub mini_batch_size: Option<u64>,
    /// The columns whose combinations of values are the mini-batches; for the planner.
    pub partition_keys: &'a [String],
    /// The inputs that are cut.
    pub inputs: &'a [crate::JobInput],
    /// The folder for what the planner has to set down, all its own.
    pub scratch: &'a str,
}

/// The bytes of one frame.
pub(crate) fn frame(message: &impl Serialize, body: &[u8]) -> Vec<u8> {
    let header = serde_json::to_vec(message).unwrap_or_default();
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = Vec::with_capacity(8 + header.len() + body.len());
    bytes.extend_from_slice(&length(&header));
    bytes.extend_from_slice(&length(body));
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(body);
    bytes
}

/// Reads the first frame of a connection, of which little memory is taken: anybody who reaches the
/// port may send it. `None` at the end.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_hello(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<(WorkerMessage, Vec<u8>)>> {
    read_up_to(from, HELLO_MAX, 0).await
}

/// Reads one frame; `None` at the end.
///
/// # Errors
/// When the connection breaks, or what comes is no frame.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<(T, Vec<u8>)>> {
    read_up_to(from, HEADER_MAX, BODY_MAX).await
}

async fn read_up_to<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    header_max: u32,
    body_max: u32,
) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 8];
    match from.read_exact(&mut lengths).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let [a, b, c, d, e, f, g, h] = lengths;
    let (header, body) = (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    );
    if header > header_max || body > body_max {
        let what = format!("a frame of {header} and {body} bytes is too long");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut bytes = vec![0; header as usize];
    from.read_exact(&mut bytes).await?;
    let said = serde_json::from_slice(&bytes)?;
    let mut bytes = vec![0; body as usize];
    from.read_exact(&mut bytes).await?;
    Ok(Some((said, bytes)))
}

/// The worker that a hello is from; `None` for the planner.
pub(crate) fn worker(text: &str) -> Option<WorkerId> {
    let (slot, life) = text.split_once('.')?;
    Some(WorkerId {
        slot: slot.parse().ok()?,
        life: life.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_two_lengths_a_header_and_a_body() {
        let bytes = frame(&DriverMessage::Run { batch: 7, r#try: 2 }, b"[1]");
        let header = br#"{"do":"run","batch":7,"try":2}"#;
        assert_eq!(bytes[..8], [0, 0, 0, 30, 0, 0, 0, 3]);
        assert_eq!(&bytes[8..38], header);
        assert_eq!(&bytes[38..], b"[1]");
    }

    #[test]
    fn a_host_is_known_by_its_node_and_launch() {
        let host = HostId { node: 2, launch: 3 };
        assert_eq!(HostId::of_name(&host.name()), Some(host));
        assert_eq!(HostId::of_name("2.3"), None);
        assert_eq!(worker(&host.name()), None, "nor is it taken for a worker");
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused_before_it_is_read() {
        let mut endless: &[u8] = &[0xff; 64];
        assert!(read::<WorkerMessage>(&mut endless).await.is_err());
        let mut nothing: &[u8] = &[];
        let end = read::<WorkerMessage>(&mut nothing).await;
        assert!(end.expect("an end").is_none());
        let mut greedy: &[u8] = b"\0\0\0\x0f\x7f\0\0\0{\"say\":\"ready\"}";
        assert!(
            read_hello(&mut greedy).await.is_err(),
            "before it is known who asks"
        );
        let mut said: &[u8] = b"\0\0\0\x0f\0\0\0\x02{\"say\":\"ready\"}ab";
        let (ready, body) = read(&mut said).await.expect("a frame").expect("one");
        assert_eq!(
            (ready, body.as_slice()),
            (WorkerMessage::Ready, b"ab".as_slice())
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_or_take_more_than_they_are(
            header in 0_u32..64,
            body in 0_u32..64,
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..128),
            json in "\\{\"say\":\"[a-z_]{0,8}\"[ -~]{0,24}",
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.expect("a runtime");
            for text in [bytes.clone(), json.into_bytes()] {
                let mut framed = [header.to_be_bytes(), body.to_be_bytes()].concat();
                framed.extend_from_slice(&text);
                let _ = runtime.block_on(read::<WorkerMessage>(&mut framed.as_slice()));
                let _ = runtime.block_on(read_hello(&mut text.as_slice()));
            }
        }
    }
}
