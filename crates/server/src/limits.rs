//! How much one client, and all of them together, may ask for.
//!
//! What does not fit is answered at once and says so: 413 for a body that is too large, 408 for one
//! that comes too slowly, 503 with `Retry-After` when too much is asked at once. Nothing has been
//! done then, so that asking again is right.
//!
//! How long a connection may take to say what it wants is limited in `listen.rs`; how large the
//! JSON of a route may be, in `routes/mod.rs`.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use stepwell_api::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::ApiError;

/// The limits of a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections each address that is listened on may have.
    pub connections: usize,
    /// How many requests are worked on at once. One that only waits for a run does not count.
    pub requests: usize,
    /// How long a request waits for its turn before it is told to come again.
    pub turn: Duration,
    /// How long a client may take to say what it wants, and a connection be idle.
    pub head: Duration,
    /// How long a body may take, whatever its size.
    pub body_grace: Duration,
    /// How fast it must come after that, on average since its beginning, in bytes a second.
    pub body_rate: u64,
    /// The largest body of any kind, in bytes.
    pub upload_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 256,
            turn: Duration::from_secs(2),
            head: Duration::from_secs(60),
            body_grace: Duration::from_secs(30),
            body_rate: 4 << 10,
            upload_bytes: 64 << 30,
        }
    }
}

/// The limits, and how much of them is used.
pub(crate) struct Gate {
    limits: Limits,
    turns: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        let turns = Arc::new(Semaphore::new(limits.requests));
        Self { limits, turns }
    }
}

/// A request's turn, among its extensions. A handler that only waits gives it back early.
#[derive(Clone)]
pub(crate) struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Turn {
    /// Lets another request have the turn.
    pub(crate) fn give_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Lets a request in when it is its turn, and watches over its body.
pub(crate) async fn bound(
    State(gate): State<Arc<Gate>>,
    mut request: Request,
    next: Next,
) -> Response {
    let limits = &gate.limits;
    let declared = request.headers().get(CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|size| size > limits.upload_bytes) {
        return too_large().into_response();
    }
    let turn = timeout(limits.turn, Arc::clone(&gate.turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        let error = ApiError::new(ErrorCode::Busy, "the server has too many requests at once");
        return error
            .hint("ask again in a second; nothing was done")
            .into_response();
    };
    let turn = Turn(Arc::new(Mutex::new(Some(turn))));
    request.extensions_mut().insert(turn.clone());
    let fault = Arc::new(AtomicU8::new(NONE));
    if declared != Some(0) {
        let watched = Arc::clone(&fault);
        request = request.map(|body| watch(body, limits.clone(), watched));
    }
    let response = next.run(request).await;
    turn.give_back();
    match fault.load(Ordering::Relaxed) {
        TOO_LARGE => too_large().into_response(),
        TOO_SLOW => ApiError::new(
            ErrorCode::Timeout,
            "the body of the request came too slowly",
        )
        .hint("send it again over a faster connection")
        .into_response(),
        _ => response,
    }
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::TooLarge, "the body is larger than the limit")
        .hint("`stepwell serve --upload-max` sets the limit")
}

/// What is wrong with a body.
const NONE: u8 = 0;
const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

struct Watched {
    data: BodyDataStream,
    limits: Limits,
    began: Instant,
    received: u64,
    fault: Arc<AtomicU8>,
}

/// The same body, that breaks off with an error when it is too large or too slow.
fn watch(body: Body, limits: Limits, fault: Arc<AtomicU8>) -> Body {
    let watched = Watched {
        data: body.into_data_stream(),
        limits,
        began: Instant::now(),
        received: 0,
        fault,
    };
    let pieces = futures_util::stream::unfold(Some(watched), |watched| async {
        let mut watched = watched?;
        match watched.next().await? {
            Ok(piece) => Some((Ok(piece), Some(watched))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Body::from_stream(pieces)
}

impl Watched {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let earned = self.received / self.limits.body_rate.max(1);
        let deadline = self.began + self.limits.body_grace + Duration::from_secs(earned);
        // What is there already is taken even after the deadline: then the delay was ours.
        let piece = match timeout_at(deadline, self.data.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(other) => return other,
            Err(_) => return Some(Err(self.fail(TOO_SLOW, "too slow"))),
        };
        self.received += piece.len() as u64;
        if self.received > self.limits.upload_bytes {
            return Some(Err(self.fail(TOO_LARGE, "too large")));
        }
        Some(Ok(piece))
    }

    fn fail(&self, fault: u8, words: &'static str) -> axum::Error {
        self.fault.store(fault, Ordering::Relaxed);
        axum::Error::new(std::io::Error::other(words))
    }
}
