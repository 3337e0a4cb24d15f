//! How much one client, and all of them together, may ask for.
//!
//! What does not fit is answered at once and says so: 413 for a body that is too large, 408 for one
//! that comes too slowly, 503 with `Retry-After` when too much is asked at once. Nothing has been
//! done then, so that asking again is right. A turn is taken after it is known who asks; who is not
//! known yet may send a kilobyte and no more.
//!
//! How long a connection may take to say what it wants is limited in `listen.rs`, how long to take
//! its answer in `stalled.rs`; how large the JSON of a route may be, in `routes/mod.rs`.

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
use tokio::runtime::Handle;
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
    /// How long a request waits for its turn before it is refused with a time to try again.
    pub turn: Duration,
    /// How long a client may take to say what it wants, and a connection be idle.
    pub head: Duration,
    /// How long a body may take, whatever its size.
    pub body_grace: Duration,
    /// How fast it must come after that, on average since its beginning, in bytes a second.
    pub body_rate: u64,
    /// The largest body of any kind, in bytes.
    pub upload_bytes: u64,
    /// How many requests of callers that are not known yet are read at once, by each address.
    pub guests: usize,
    /// How much of JSON bodies is held in memory at once, in bytes. A larger one waits for all
    /// others to end, and is then alone.
    pub bodies_bytes: usize,
    /// How long a client may keep an answer waiting, all pauses of a connection together.
    pub write_grace: Duration,
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
            guests: 32,
            bodies_bytes: 128 << 20,
            write_grace: Duration::from_secs(30),
        }
    }
}

/// The limits of one address, and how much of them is used. What happens at one address takes no
/// turn of another's; the memory is that of the machine.
#[derive(Clone)]
pub(crate) struct Gate {
    limits: Arc<Limits>,
    turns: Arc<Semaphore>,
    guests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

impl Gate {
    /// A gate for each address that asks for one; they share the memory of bodies.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(limits.requests)),
            guests: Arc::new(Semaphore::new(limits.guests)),
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes >> BODY_UNIT_BITS)),
            limits: Arc::new(limits),
        }
    }

    /// The gate of another address.
    pub(crate) fn another(&self) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(self.limits.requests)),
            guests: Arc::new(Semaphore::new(self.limits.guests)),
            ..self.clone()
        }
    }
}

/// The memory of bodies is counted in kilobytes.
const BODY_UNIT_BITS: usize = 10;

/// A request's turn, and the memory that its body takes, among its extensions. A handler that only
/// waits gives the turn back early.
#[derive(Clone)]
pub(crate) struct Turn {
    held: Arc<Mutex<Vec<OwnedSemaphorePermit>>>,
    bodies: Arc<Semaphore>,
    /// How long to wait for memory.
    patience: Duration,
}

impl Turn {
    /// Lets another request have the turn.
    pub(crate) fn give_back(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        drop(std::mem::take(&mut *held));
    }

    /// Makes room for a JSON body of so many bytes, until the request is answered.
    pub(crate) async fn hold_body(&self, bytes: u64, all: usize) -> Result<(), ApiError> {
        let units = usize::try_from(bytes >> BODY_UNIT_BITS).unwrap_or(usize::MAX);
        let units = u32::try_from(units.min(all >> BODY_UNIT_BITS)).unwrap_or(u32::MAX);
        let room = timeout(
            self.patience,
            Arc::clone(&self.bodies).acquire_many_owned(units),
        );
        let Ok(Ok(room)) = room.await else {
            return Err(busy("the server holds too many large bodies at once"));
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(room);
        Ok(())
    }
}

/// How large JSON bodies together may be, among a request's extensions.
#[derive(Clone, Copy)]
pub(crate) struct BodiesMax(pub(crate) usize);

fn busy(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Busy, message).hint("ask again in a second; nothing was done")
}

async fn turn(turns: &Arc<Semaphore>, gate: &Gate) -> Result<Turn, ApiError> {
    let patience = gate.limits.turn;
    match timeout(patience, Arc::clone(turns).acquire_owned()).await {
        Ok(Ok(turn)) => Ok(Turn {
            held: Arc::new(Mutex::new(vec![turn])),
            bodies: Arc::clone(&gate.bodies),
            patience,
        }),
        _ => Err(busy("the server has too many requests at once")),
    }
}

/// Lets the request of a known caller in when it is its turn.
pub(crate) async fn take_turn(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Response {
    let turn = match turn(&gate.turns, &gate).await {
        Ok(turn) => turn,
        Err(refusal) => return refusal.into_response(),
    };
    request.extensions_mut().insert(turn.clone());
    request
        .extensions_mut()
        .insert(BodiesMax(gate.limits.bodies_bytes));
    let response = next.run(request).await;
    turn.give_back();
    response
}

/// The largest body of one who is not known yet, in bytes.
pub(crate) const GUEST_BODY_MAX: usize = 1 << 10;

/// Lets the request of somebody who is not known yet in: there are few such turns, and none of
/// those that are known. A body that says it is too large takes none.
pub(crate) async fn take_guest_turn(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Response {
    if declared_size(&request).is_some_and(|size| size > GUEST_BODY_MAX as u64) {
        return ApiError::new(ErrorCode::TooLarge, "the body is larger than the limit")
            .into_response();
    }
    let turn = match turn(&gate.guests, &gate).await {
        Ok(turn) => turn,
        Err(refusal) => return refusal.into_response(),
    };
    let response = next.run(request).await;
    turn.give_back();
    response
}

/// Watches over a request's body.
pub(crate) async fn bound(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let limits = &gate.limits;
    let declared = declared_size(&request);
    if declared.is_some_and(|size| size > limits.upload_bytes) {
        return too_large().into_response();
    }
    let fault = Arc::new(AtomicU8::new(NONE));
    if declared != Some(0) {
        let watched = Arc::clone(&fault);
        request = request.map(|body| watch(body, Limits::clone(limits), watched));
    }
    let response = next.run(request).await;
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

/// How large a request says that its body is, in bytes.
pub(crate) fn declared_size(request: &Request) -> Option<u64> {
    let declared = request.headers().get(CONTENT_LENGTH)?;
    declared.to_str().ok()?.parse().ok()
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
    is_over: bool,
}

/// How much is still read of a body that its handler, or a refusal before it, has no use for, in bytes;
/// and for how long.
const UNUSED_MAX: usize = 64 << 10;
const UNUSED_WITHIN: Duration = Duration::from_secs(1);

/// A client that still sends its body when the connection is closed takes that for the answer, so a
/// small one is read to its end beside the answer.
impl Drop for Watched {
    fn drop(&mut self) {
        // While the server stops, what is left of its requests is dropped outside of any runtime.
        let (false, Ok(runtime)) = (self.is_over, Handle::try_current()) else {
            return;
        };
        let mut rest = std::mem::replace(&mut self.data, Body::empty().into_data_stream());
        let read = async move {
            let mut room = UNUSED_MAX;
            while let Some(Ok(piece)) = rest.next().await
                && piece.len() <= room
            {
                room -= piece.len();
            }
        };
        runtime.spawn(async { timeout(UNUSED_WITHIN, read).await });
    }
}

/// The same body, that breaks off with an error when it is too large or too slow.
fn watch(body: Body, limits: Limits, fault: Arc<AtomicU8>) -> Body {
    let watched = Watched {
        data: body.into_data_stream(),
        limits,
        began: Instant::now(),
        received: 0,
        fault,
        is_over: false,
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
            Ok(other) => {
                self.is_over = true;
                return other;
            }
            Err(_) => return Some(Err(self.fail(TOO_SLOW, "too slow"))),
        };
        self.received += piece.len() as u64;
        if self.received > self.limits.upload_bytes {
            return Some(Err(self.fail(TOO_LARGE, "too large")));
        }
        Some(Ok(piece))
    }

    fn fail(&mut self, fault: u8, words: &'static str) -> axum::Error {
        self.is_over = true;
        self.fault.store(fault, Ordering::Relaxed);
        axum::Error::new(std::io::Error::other(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_dropped_when_the_server_has_ended_is_no_fault() {
        drop(watch(Body::from("{}"), Limits::default(), Arc::default()));
    }
}
