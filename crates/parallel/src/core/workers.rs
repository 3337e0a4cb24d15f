//! The lives of workers: started, ready, taken to hang, gone, replaced, dismissed.

use std::cmp::Reverse;

use super::scheduler::{Effect, Return, Scheduler, Verdict};
use super::slot::Activity;
use super::{Micros, SECOND, WorkerId};

impl Scheduler {
    pub(super) fn ready(&mut self, worker: WorkerId, now: Micros) {
        let Some(slot) = self.live(worker, &[Activity::Starting]) else {
            return;
        };
        slot.activity = Activity::Working;
        slot.since = now;
        slot.deadline = None;
        self.starting -= 1;
        self.last_progress = now;
        self.idle.push_back(worker.slot);
    }

    pub(super) fn start_failed(
        &mut self,
        worker: WorkerId,
        why: String,
        now: Micros,
        effects: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.live(worker, &[Activity::Starting]) else {
            return;
        };
        slot.activity = Activity::Killed;
        slot.deadline = None;
        self.starting -= 1;
        effects.push(Effect::Kill(worker));
        self.count_start(worker, why, now, effects);
    }

    /// Counts a failed start; a node with too many gets no more workers.
    fn count_start(
        &mut self,
        worker: WorkerId,
        why: String,
        now: Micros,
        effects: &mut Vec<Effect>,
    ) {
        let node = self.slots[worker.slot as usize].node as usize;
        self.node_failures[node] += 1;
        self.step_failures += 1;
        let too_many = self.step_failures >= self.limits.step_failures();
        effects.push(Effect::Unready(worker, why.clone()));
        if too_many && now >= self.limits.start_up {
            let count = self.step_failures;
            self.end(
                Verdict::NoWorkers(format!("{count} workers could not start"), why),
                effects,
            );
        } else {
            self.last_start_failure = why;
        }
    }

    pub(super) fn node_is_usable(&self, slot: u32) -> bool {
        let node = self.slots[slot as usize].node as usize;
        self.node_failures[node] < self.limits.node_failures()
    }

    pub(super) fn any_node(&self) -> bool {
        let limit = self.limits.node_failures();
        self.node_failures.iter().any(|failures| *failures < limit)
    }

    /// A worker that has grown beyond its share is replaced once it has nothing left. One that
    /// needs much from the beginning is left alone.
    pub(super) fn watch_memory(&mut self, worker: WorkerId, memory: Option<u64>) {
        let (Some(memory), Some(limit)) = (memory, self.limits.memory) else {
            return;
        };
        let slot = &mut self.slots[worker.slot as usize];
        let first = *slot.memory_first.get_or_insert(memory);
        if memory > limit && memory > first.saturating_mul(2) && slot.activity == Activity::Working
        {
            slot.activity = Activity::Leaving;
        }
    }

    pub(super) fn dismiss(&mut self, worker: WorkerId, now: Micros, effects: &mut Vec<Effect>) {
        let deadline = now + self.limits.run.max(30 * SECOND);
        let slot = &mut self.slots[worker.slot as usize];
        slot.activity = Activity::Dismissed;
        slot.since = now;
        slot.deadline = Some(deadline);
        effects.push(Effect::Dismiss(worker));
        self.arm(worker.slot);
    }

    pub(super) fn gone(
        &mut self,
        worker: WorkerId,
        how: String,
        now: Micros,
        effects: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.slots.get_mut(worker.slot as usize) else {
            return;
        };
        if slot.life != worker.life || slot.activity == Activity::Vacant {
            return;
        }
        let activity = std::mem::replace(&mut slot.activity, Activity::Vacant);
        slot.deadline = None;
        self.processes -= 1;
        self.starting -= usize::from(activity == Activity::Starting);
        self.vacant.push_back(worker.slot);
        let was_idle = self.slots[worker.slot as usize].batches.is_empty();
        if !was_idle {
            self.abandon(worker, how, effects);
        } else if matches!(activity, Activity::Starting | Activity::Working) {
            self.count_start(worker, how, now, effects);
        }
    }

    /// A worker is lost with what it had: the first is a failed try, the others were not begun.
    fn abandon(&mut self, worker: WorkerId, how: String, effects: &mut Vec<Effect>) {
        let mut batches = std::mem::take(&mut self.slots[worker.slot as usize].batches);
        let first = batches.pop_front();
        for batch in batches.into_iter().rev() {
            if let Some(open) = self.open.get_mut(&batch) {
                open.tries -= 1;
            }
            self.queue.push_front(batch);
        }
        if let Some(batch) = first {
            self.fail(worker, batch, how, effects);
        }
    }

    /// What a lost node's workers had waits for others. No try counts as failed: the mini-batch has
    /// nothing to do with it.
    pub(super) fn node_lost(&mut self, node: u32, back: Return) {
        let of_node = self.slots.iter().zip(0..);
        let places: Vec<u32> = of_node
            .filter(|(slot, _)| slot.node == node && slot.activity != Activity::Vacant)
            .map(|(_, place)| place)
            .collect();
        for place in places {
            let slot = &mut self.slots[place as usize];
            let activity = std::mem::replace(&mut slot.activity, Activity::Vacant);
            slot.deadline = None;
            self.processes -= 1;
            self.starting -= usize::from(activity == Activity::Starting);
            self.vacant.push_back(place);
            for batch in std::mem::take(&mut slot.batches).into_iter().rev() {
                if let Some(open) = self.open.get_mut(&batch) {
                    open.tries -= 1;
                }
                self.queue.push_front(batch);
            }
        }
        let limit = self.limits.node_failures();
        if back == Return::Never
            && let Some(failures) = self.node_failures.get_mut(node as usize)
        {
            *failures = limit;
        }
    }

    pub(super) fn tick(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        while let Some(Reverse((at, place))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            let slot = &mut self.slots[place as usize];
            if slot.timer != Some(at) {
                continue;
            }
            slot.timer = None;
            match slot.deadline {
                Some(deadline) if deadline <= now => self.expire(place, now, effects),
                Some(_) => self.arm(place),
                None => {}
            }
        }
        if !self.open.is_empty() && now >= self.last_progress + self.limits.progress {
            let seconds = self.limits.progress / SECOND;
            let what = format!("no mini-batch came to an end within {seconds} seconds");
            self.end(Verdict::Stuck(what), effects);
        }
    }

    /// A worker has had its time.
    fn expire(&mut self, place: u32, now: Micros, effects: &mut Vec<Effect>) {
        let slot = &mut self.slots[place as usize];
        let worker = WorkerId {
            slot: place,
            life: slot.life,
        };
        let activity = std::mem::replace(&mut slot.activity, Activity::Killed);
        slot.deadline = None;
        effects.push(Effect::Kill(worker));
        match activity {
            Activity::Starting => {
                self.starting -= 1;
                let seconds = self.limits.init / SECOND;
                let why = format!("it was not ready within {seconds} seconds");
                self.count_start(worker, why, now, effects);
            }
            Activity::Working | Activity::Leaving => {
                let seconds = self.limits.run / SECOND;
                let why = format!("run took longer than {seconds} seconds");
                self.abandon(worker, why, effects);
            }
            Activity::Vacant | Activity::Dismissed | Activity::Killed => {}
        }
    }

    pub(super) fn arm(&mut self, place: u32) {
        let slot = &mut self.slots[place as usize];
        if let Some(deadline) = slot.deadline
            && slot.timer.is_none_or(|timer| timer > deadline)
        {
            slot.timer = Some(deadline);
            self.timers.push(Reverse((deadline, place)));
        }
    }

    pub(super) fn place(&mut self, place: u32, now: Micros, effects: &mut Vec<Effect>) {
        let deadline = now + self.limits.init;
        let slot = &mut self.slots[place as usize];
        slot.life += 1;
        slot.activity = Activity::Starting;
        slot.since = now;
        slot.deadline = Some(deadline);
        slot.memory_first = None;
        effects.push(Effect::Place(WorkerId {
            slot: place,
            life: slot.life,
        }));
        self.starting += 1;
        self.processes += 1;
        self.arm(place);
    }

    /// All is done: the workers go, and with the last one the step is over.
    pub(super) fn wind_up(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        if self.ending.is_none() {
            self.ending = Some(Verdict::Completed);
            for place in 0..self.limits.workers() {
                let slot = &mut self.slots[place as usize];
                let worker = WorkerId {
                    slot: place,
                    life: slot.life,
                };
                match slot.activity {
                    Activity::Working | Activity::Leaving => self.dismiss(worker, now, effects),
                    Activity::Starting => {
                        slot.activity = Activity::Killed;
                        slot.deadline = None;
                        effects.push(Effect::Kill(worker));
                    }
                    Activity::Vacant | Activity::Dismissed | Activity::Killed => {}
                }
            }
            self.starting = 0;
        }
        if self.processes == 0
            && let Some(verdict) = self.ending.take()
        {
            self.over = true;
            effects.push(Effect::End(verdict));
        }
    }
}
