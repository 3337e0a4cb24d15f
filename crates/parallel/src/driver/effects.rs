//! Performs what the scheduler decides.

use std::io;

use super::Error;
use super::event_loop::{Driver, Link};
use super::journal::Record;
use super::place::Placement as _;
use crate::core::{Effect, Input, WorkerId};
use crate::protocol::{Told, frame};

impl Driver<'_> {
    /// Asks the scheduler, and does what it says.
    pub(super) fn tell(&mut self, input: Input) -> Result<(), Error> {
        let mut inputs = vec![input];
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop() {
            let now = self.now();
            self.scheduler.handle(input, now, &mut effects);
            for effect in effects.drain(..) {
                if let Some(next) = self.perform(effect)? {
                    inputs.push(next);
                }
            }
        }
        Ok(())
    }

    /// Does one thing; what follows from it at once is an input again.
    fn perform(&mut self, effect: Effect) -> Result<Option<Input>, Error> {
        match effect {
            Effect::Place(worker) => return Ok(self.place(worker)),
            Effect::Send(worker, batch, attempt) => self.send(worker, batch, attempt),
            Effect::Dismiss(worker) => {
                self.tell_worker(worker, frame(&Told::Leave, b""));
                if let Some(link) = self.links.get_mut(&worker) {
                    link.dismissed = true;
                }
            }
            Effect::Kill(worker) => {
                let role = self.role(worker);
                self.placement.kill(role);
            }
            Effect::Keep(_, batch) => {
                let made = std::mem::take(&mut self.made);
                if let Some(digest) = self.held.remove(batch) {
                    let rows = Some((made.rows, made.text));
                    self.record(Record {
                        batch,
                        digest,
                        items: made.items,
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
                self.try_failed(worker, (batch, attempt), &error, given_up)?;
            }
            Effect::Unready(worker, why) => {
                let detail = std::mem::take(&mut self.detail);
                let name = self.name(worker);
                self.reporter
                    .failed(&format!("{name} could not start: {why}"), &[], &detail);
            }
            Effect::End(verdict) => self.verdict = Some(verdict),
        }
        Ok(None)
    }

    fn place(&mut self, worker: WorkerId) -> Option<Input> {
        let role = self.role(worker);
        match self.placement.start(role) {
            Ok(()) => {
                self.links.insert(worker, Link::default());
                None
            }
            Err(error) => {
                let how = format!("its process could not be started: {error}");
                Some(Input::Gone(worker, how))
            }
        }
    }

    fn send(&mut self, worker: WorkerId, batch: u64, attempt: u32) {
        let Some(body) = self.held.body(batch) else {
            return;
        };
        let bytes = frame(
            &Told::Run {
                batch,
                r#try: attempt,
            },
            body,
        );
        self.tell_worker(worker, bytes);
    }

    /// One that has gone is replaced when its end is heard.
    fn tell_worker(&self, worker: WorkerId, bytes: Vec<u8>) {
        let link = self.links.get(&worker);
        if let Some(tell) = link.and_then(|link| link.tell.as_ref()) {
            let _ = tell.send(bytes);
        }
    }

    fn try_failed(
        &mut self,
        worker: WorkerId,
        (batch, attempt): (u64, u32),
        error: &str,
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
        let items = self.held.body(batch).map(named_items);
        let detail = std::mem::take(&mut self.detail);
        self.reporter
            .failed(&what, &items.unwrap_or_default(), &detail);
        if let Some(items) = given_up
            && let Some(digest) = self.held.remove(batch)
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
        match self.journal.add(record) {
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
