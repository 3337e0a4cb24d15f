//! The live state of a run as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use stepwell_api::{ErrorReply, StreamMessage};
use stepwell_model::RunId;
use stepwell_store::journal::{self, Change};
use tokio::sync::broadcast::Receiver;
use utoipa::IntoParams;

use super::runs::{find, scheduled};
use crate::app::{App, Context};
use crate::convert;
use crate::error::{Params, Result, run_id};

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// After the event of this number; from the beginning when absent.
    after: Option<i64>,
}

/// Every change of status of a run and its steps, from the journal and then live, each a
/// `RunEvent`. The stream ends when the run is over.
#[utoipa::path(get, path = "/runs/{run}/events", params(("run" = Uuid, Path), EventsQuery),
    responses((status = 200, content_type = "text/event-stream", body = StreamMessage),
    (status = "default", body = ErrorReply)))]
pub(super) async fn follow_events(
    State(app): Context,
    Path(run): Path<String>,
    Params(query): Params<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let record = find(&app, run_id(&run)?).await?;
    let scheduled = scheduled(&record);
    let follower = Follower {
        live: app.engine.watch(),
        app,
        scheduled,
        only: (scheduled != record.id).then_some(record.id),
        after: query.after.unwrap_or(0),
        waiting: VecDeque::new(),
        behind: true,
        over: record.kind == "interactive",
    };
    let stream = futures_util::stream::unfold(follower, |mut follower| async {
        let change = follower.next().await?;
        let event = Event::default().id(change.seq.to_string());
        let event = event
            .json_data(convert::run::event(&change))
            .unwrap_or_default();
        Some((Ok(event), follower))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// Reads the journal, then listens; and reads the journal again when it fell behind.
struct Follower {
    app: Arc<App>,
    live: Receiver<Arc<[Change]>>,
    /// The run whose journal it is.
    scheduled: RunId,
    /// The one step that matters, if one is followed.
    only: Option<RunId>,
    after: i64,
    waiting: VecDeque<Change>,
    behind: bool,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.waiting.pop_front() {
                if change.root != self.scheduled || change.seq <= self.after {
                    continue;
                }
                self.after = change.seq;
                let ends = self.only.unwrap_or(self.scheduled) == change.run;
                self.over |= ends && change.status.is_terminal();
                if self.only.is_none_or(|only| only == change.run) {
                    return Some(change);
                }
            } else if self.over {
                return None;
            } else if self.behind {
                let (run, after) = (self.scheduled, self.after);
                let read = move |db: &_| journal::changes_after(db, run, after);
                self.waiting.extend(self.app.store.read(read).await.ok()?);
                self.behind = false;
            } else {
                match self.live.recv().await {
                    Ok(group) => self.waiting.extend(group.iter().cloned()),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return None,
                }
            }
        }
    }
}
