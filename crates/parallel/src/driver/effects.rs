//! Performs what the scheduler decides.

use std::io;

use super::Error;
use super::event_loop::{Driver, Link, Payload};
use super::place::Placement as _;
use super::progress_log::Record;
use crate::core::{Effect, SchedulerInput, WorkerId};
use crate::protocol::{DriverMessage, frame};

impl Driver<'_> {
    /// Lets the scheduler decide on an input that brings nothing else, and does what it says.
    pub(super) fn handle(&mut self, input: SchedulerInput) -> Result<(), Error> {
        self.decide(input, Payload::default())
    }

    /// Lets the scheduler decide, and does what it says with what came with the input.
    pub(super) fn decide(
        &mut self,
        input: SchedulerInput,
        mut payload: Payload,
    ) -> Result<(), Error> {
        let mut inputs = vec![input];
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop() {
            let now = self.now();
            self.scheduler.handle(input, now, &mut effects);
            for effect in effects.drain(..) {
                if let Some(next) = self.perform(effect, &mut payload)? {
                    inputs.push(next);
                }
            }
        }
        Ok(())
    }

    /// Does one thing; what follows from it at once is an input again.
    fn perform(
        &mut self,
        effect: Effect,
        payload: &mut Payload,
    ) -> Result<Option<SchedulerInput>, Error> {
        match effect {
            Effect::Place(worker) => return Ok(self.place(worker)),
            Effect::Send(worker, batch, attempt) => self.send_batch(worker, batch, attempt),
            Effect::Dismiss(worker) => {
                self.send(worker, frame(&DriverMessage::Leave, b""));
                if let Some(link) = self.links.get_mut(&worker) {
                    link.dismissed = true;
                }
            }
            Effect::Kill(worker) => {
                let role = self.role(worker);
                self.placement.kill(role);
            }
            Effect::Keep(worker, batch) => {
                let returned = payload.take(worker, batch).ok_or_else(|| {
                    let what = format!("mini-batch {batch} is to be kept without its rows");
                    io::Error::other(what)
                })?;
                if let Some(digest) = self.open_batches.remove(batch) {
                    let rows = Some((returned.rows, returned.text));
                    self.record(Record {
                        batch,
                        digest,
                        items: returned.items,
                        rows,
                    })?;
                }
            }
            Effect::Failed {
                worker,
                batch,
                attempt,
                error,
                given_up,
            } => {
                let detail = std::mem::take(&mut payload.detail);
                self.try_failed(worker, (batch, attempt), (&error, &detail), given_up)?;
            }
            Effect::Unready(worker, why) => {
                let detail = std::mem::take(&mut payload.detail);
                let name = self.name(worker);
                self.reporter
                    .failed(&format!("{name} could not start: {why}"), &[], &detail);
            }
            Effect::End(verdict) => self.verdict = Some(verdict),
        }
        Ok(None)
    }

    fn place(&mut self, worker: WorkerId) -> Option<SchedulerInput> {
        let role = self.role(worker);
        match self.placement.start(role) {
            Ok(()) => {
                self.links.insert(worker, Link::default());
                None
            }
            Err(error) => {
                let how = format!("its process could not be started: {error}");
                Some(SchedulerInput::Gone(worker, how))
            }
        }
    }

    fn send_batch(&mut self, worker: WorkerId, batch: u64, attempt: u32) {
        let Some(body) = self.open_batches.body(batch) else {
            return;
        };
        let bytes = frame(
            &DriverMessage::Run {
                batch,
                r#try: attempt,
            },
            body,
        );
        self.send(worker, bytes);
    }

    /// One that has gone is replaced when its end is heard.
    fn send(&self, worker: WorkerId, bytes: Vec<u8>) {
        let link = self.links.get(&worker);
        if let Some(outgoing) = link.and_then(|link| link.outgoing.as_ref()) {
            let _ = outgoing.send(bytes);
        }
    }

    fn try_failed(
        &mut self,
        worker: WorkerId,
        (batch, attempt): (u64, u32),
        (error, detail): (&str, &str),
        given_up: Option<u64>,
    ) -> Result<(), Error> {
        let tries = self.limits.tries;
        let name = self.name(worker);
        let what = match given_up {
            Some(items) => format!(
                "mini-batch {batch} failed for the last time ({attempt} of {tries}) with {name}, \
                 {items} items lost: {error}"
            ),
            None => {
                format!("mini-batch {batch} failed (try {attempt} of {tries}) with {name}: {error}")
            }
        };
        let items = self.open_batches.body(batch).map(named_items);
        self.reporter
            .failed(&what, &items.unwrap_or_default(), detail);
        if let Some(items) = given_up
            && let Some(digest) = self.open_batches.remove(batch)
        {
            self.record(Record {
                batch,
                digest,
                items,
                rows: None,
            })?;
        }
        Ok(())
    }

    fn record(&self, record: Record) -> Result<(), Error> {
        match self.progress_log.add(record) {
            true => Ok(()),
            // Why is known when it is closed.
            false => Err(io::Error::other("rows cannot be written any more").into()),
        }
    }

    fn name(&self, worker: WorkerId) -> String {
        let per_node = self.limits.per_node.max(1);
        format!(
            "worker {} of node {}",
            worker.slot % per_node,
            worker.slot / per_node
        )
    }
}

/// The items of a mini-batch as people know them: its files, or what part of which table it is.
fn named_items(body: &[u8]) -> Vec<String> {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Vec::new();
    };
    match body["files"].as_array() {
        Some(files) => files
            .iter()
            .filter_map(|file| file.as_str().map(str::to_owned))
            .collect(),
        None => vec![
            body["name"]
                .as_str()
                .map_or_else(|| body.to_string(), str::to_owned),
        ],
    }
}
