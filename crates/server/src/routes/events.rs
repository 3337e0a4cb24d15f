//! What becomes of runs as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use stepwell_api::{ErrorReply, StreamMessage};
use stepwell_model::RunId;
use stepwell_store::journal::Change;
use stepwell_store::{Connection, metrics};
use stepwell_workspace::Follower;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::access::{Caller, still_good};
use crate::app::{App, Context};
use crate::convert;
use crate::error::{ApiError, Params, Result, run_id};
use crate::limits::Turn;

/// Where to continue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// After the event of this number. The header `Last-Event-ID`, which a client sends when it
    /// connects again, says the same and comes first.
    after: Option<i64>,
}

/// The changes of a follower, each with its number as the event's id; with a metric's name, each end
/// with what the run has logged under it.
fn stream(
    app: Arc<App>,
    caller: Caller,
    follower: Follower,
    metric: Option<String>,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let state = Listener {
        app,
        caller,
        follower,
        metric,
        seen_good: None,
    };
    let stream = futures_util::stream::unfold(state, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// How often it is seen to it that the caller of a silent stream is still let in, and a step of one
/// that is not silent: its pass is good for minutes after its run, and is looked up in the database.
const STILL_GOOD_EVERY: Duration = Duration::from_secs(2);

/// Who reads a stream, and what.
struct Listener {
    app: Arc<App>,
    caller: Caller,
    follower: Follower,
    metric: Option<String>,
    /// When the caller was last found to be let in.
    seen_good: Option<Instant>,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        let change = self.next_change().await?;
        let mut event = convert::run::event(&change);
        if let Some(name) = self.metric.clone().filter(|_| change.status.is_terminal()) {
            let read = move |db: &Connection| metrics::list(db, change.run, Some(&name));
            // A stream that cannot be read breaks off; the client goes on after its last event.
            let points = self.app.store.read(read).await.ok()?;
            event.logged = Some(points.into_iter().map(super::metrics::shown).collect());
        }
        let message = Event::default().id(change.seq.to_string());
        Some(message.json_data(event).unwrap_or_default())
    }

    /// The next change, or `None` when there will be none, or the caller's access has ended.
    async fn next_change(&mut self) -> Option<Change> {
        let mut next = std::pin::pin!(self.follower.next());
        loop {
            let came = tokio::time::timeout(STILL_GOOD_EVERY, &mut next).await;
            let is_recent = |at: Instant| at.elapsed() < STILL_GOOD_EVERY;
            if self.caller.step().is_none() || !self.seen_good.is_some_and(is_recent) {
                if !still_good(&self.app, &self.caller).await {
                    return None;
                }
                self.seen_good = Some(Instant::now());
            }
            if let Ok(next) = came {
                return next;
            }
        }
    }
}

/// Where to continue, and whether to wait for more.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AllEventsQuery {
    /// After the event of this number. The header `Last-Event-ID`, which a client sends when it
    /// connects again, says the same and comes first.
    after: Option<i64>,
    /// Whether the stream continues with what comes; when false, it ends with the journal.
    follow: Option<bool>,
    /// Only changes of the runs that were submitted as children of this one, as the trials of a
    /// search are, and not those of steps; from the first child on unless an event is named.
    parent: Option<Uuid>,
    /// With `parent`: only the ends of those runs.
    ends: Option<bool>,
    /// With `parent`: each end tells in `logged` what the run has logged under this name.
    metric: Option<String>,
}

/// The last event that a client has, if it says so.
fn last_event(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        ApiError::invalid("the Last-Event-ID is not the number of an event")
            .hint("send the `id` of the last event that was received")
    })
}

/// Every change of status of a run and its steps, from the journal and then live, each a
/// `RunEvent`; from the beginning unless an event is named. The stream ends when the run is over.
#[utoipa::path(get, path = "/runs/{run}/events",
    params(("run" = Uuid, Path), EventsQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = StreamMessage),
    (status = "default", body = ErrorReply)))]
pub(super) async fn follow_events(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Params(query): Params<EventsQuery>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let after = last_event(&headers)?.or(query.after).unwrap_or(0);
    let follower = app.workspace.events.of_run(run_id(&run)?, after).await?;
    Ok(stream(app, caller, follower, None))
}

/// Every change of status of all runs and their steps, each a `RunEvent`: those after the event
/// that is named, else from now on. The stream has no end unless `follow` is false; a client that connects again with the
/// id of its last event misses nothing and gets nothing twice.
#[utoipa::path(get, path = "/events",
    params(AllEventsQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = StreamMessage),
    (status = "default", body = ErrorReply)))]
pub(super) async fn follow_all_events(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Extension(turn): Extension<Turn>,
    headers: HeaderMap,
    Params(query): Params<AllEventsQuery>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    turn.give_back();
    let after = last_event(&headers)?.or(query.after);
    let follow = query.follow.unwrap_or(true);
    let events = &app.workspace.events;
    let follower = match query.parent.map(RunId::new) {
        Some(parent) => {
            let only_ends = query.ends.unwrap_or(false);
            events.of_children(parent, after, follow, only_ends).await?
        }
        None if query.ends.is_some() || query.metric.is_some() => {
            return Err(
                ApiError::invalid("`ends` and `metric` go together with `parent` only")
                    .hint("name the run whose children are followed"),
            );
        }
        None => events.of_all(after, follow).await?,
    };
    Ok(stream(app, caller, follower, query.metric))
}
