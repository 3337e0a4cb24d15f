//! The invariants of the scheduler, as code: called after every input in tests and simulations.

use std::collections::HashMap;

use stepwell_model::{RunId, StepIndex, TargetName};

use super::run::{Run, StepState};
use super::scheduler::Scheduler;

impl Scheduler {
    /// Checks everything that must hold between two inputs.
    ///
    /// # Errors
    /// The first invariant that does not hold, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        let mut in_use: HashMap<&TargetName, (u32, u64)> = HashMap::new();
        for (id, run) in &self.runs {
            self.check_run(*id, run)?;
            for (step, state) in run.states.iter().enumerate() {
                if state.attempt().is_some() {
                    let step = StepIndex::from(step);
                    let (steps, cores) = in_use.entry(run.topology.target(step)).or_default();
                    *steps += 1;
                    *cores += u64::from(run.topology.cores(step));
                }
            }
        }
        for (name, target) in &self.targets {
            let held = in_use.remove(name).unwrap_or_default();
            let counted = (target.in_use, target.cores_held);
            if counted != held {
                return Err(format!(
                    "{name}: {counted:?} slots and cores counted, {held:?} held"
                ));
            }
            if target.could_start_one() {
                return Err(format!(
                    "{name}: a step waits although there is room for it"
                ));
            }
            for (run, step) in target.waiting() {
                let state = self.runs.get(&run).and_then(|run| run.state(step));
                if state != Some(StepState::Queued) {
                    return Err(format!(
                        "{name}: {run}/{step:?} waits for a slot in {state:?}"
                    ));
                }
            }
        }
        self.check_keys()?;
        match in_use.into_iter().next() {
            Some((name, (held, _))) => {
                Err(format!("{name}: {held} slots held of an unknown target"))
            }
            None => Ok(()),
        }
    }

    /// One owner for each key, and nobody waits for an owner that is gone.
    fn check_keys(&self) -> Result<(), String> {
        for (key, (id, step)) in &self.in_flight.owners {
            let run = self.runs.get(id);
            let state = run.and_then(|run| run.state(*step));
            let holds = state.is_some_and(|s| s.attempt().is_some() || s == StepState::Queued);
            if !holds || run.and_then(|run| run.keys.get(step)) != Some(key) {
                return Err(format!("{id}/{step:?} owns a key in {state:?}"));
            }
        }
        for (id, run) in &self.runs {
            for (step, key) in &run.keys {
                if self.in_flight.owners.get(key) != Some(&(*id, *step)) {
                    return Err(format!("{id}/{step:?} has a key that another step owns"));
                }
            }
            let waits = |step: usize| {
                let place = (*id, StepIndex::from(step));
                let owners = &self.in_flight.owners;
                let duplicates = &self.in_flight.duplicates;
                duplicates
                    .iter()
                    .any(|(key, all)| all.contains(&place) && owners.contains_key(key))
            };
            let waits_for_one = |(step, state): (usize, &StepState)| {
                *state != StepState::Deduplicated || waits(step)
            };
            if !run.states.iter().enumerate().all(waits_for_one) {
                return Err(format!(
                    "{id}: a step waits for an equal one that does not run"
                ));
            }
        }
        Ok(())
    }

    fn check_run(&self, id: RunId, run: &Run) -> Result<(), String> {
        let unsettled = run
            .states
            .iter()
            .filter(|state| !state.is_settled())
            .count();
        if unsettled != run.unsettled as usize {
            return Err(format!(
                "{id}: {unsettled} steps open, {} counted",
                run.unsettled
            ));
        }
        if unsettled == 0 || run.finished.is_some() {
            return Err(format!("{id}: over, but still scheduled"));
        }
        let ready = [
            StepState::Resolving,
            StepState::Deduplicated,
            StepState::Queued,
        ];
        let moving = |state: &StepState| state.attempt().is_some() || ready.contains(state);
        if !run.states.iter().any(moving) {
            return Err(format!(
                "{id}: nothing runs and nothing is queued: it would never end"
            ));
        }
        if run.halted && run.states.iter().any(|state| state.is_unstarted()) {
            return Err(format!("{id}: halted, but a step is still to start"));
        }
        self.check_edges(id, run)
    }

    fn check_edges(&self, id: RunId, run: &Run) -> Result<(), String> {
        let mut unmet = run.topology.unmet().to_vec();
        for (step, state) in run.states.iter().enumerate() {
            if *state == StepState::Succeeded {
                for dependent in run.topology.dependents(StepIndex::from(step)) {
                    unmet[dependent.get()] -= 1;
                }
            }
        }
        for (step, (state, unmet)) in run.states.iter().zip(unmet).enumerate() {
            let right = match state {
                StepState::Waiting { unmet: counted } => *counted == unmet && unmet > 0,
                StepState::Skipped => true,
                _ => unmet == 0,
            };
            if !right {
                return Err(format!("{id}/{step}: {state:?} with {unmet} unmet edges"));
            }
            let name = run.topology.target(StepIndex::from(step));
            let queued = || {
                self.targets
                    .get(name)
                    .is_some_and(|target| target.waiting().any(|(r, s)| r == id && s.get() == step))
            };
            if *state == StepState::Queued && !queued() {
                return Err(format!("{id}/{step}: ready, but in no queue"));
            }
        }
        Ok(())
    }
}
