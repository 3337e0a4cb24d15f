//! A search as a fold of what happened.
//!
//! [`Core::step`] takes one [`Event`] and returns the [`Effect`]s that follow. Doing an effect twice
//! must be the same as doing it once, since [`Core::pending`] gives again, after a crash, all
//! effects whose outcome has not been recorded.
//!
//! Invariants, held by the simulation: no more trials are under way than allowed; a trial is
//! submitted once and ends once; a search finishes once, when nothing is under way. An event costs
//! what it changes; only a policy, which compares trials, looks at all of them.

use crate::message::{CancelReason, Effect, Event, Outcome, Verdict};
use crate::policy::{Compared, Goal, History, Policy};
use crate::sampling::{Chosen, Sampling};
use crate::space::Values;
use crate::trial::{Progress, Trial, TrialState};

/// How many of the first trials may fail, if all do, before the search is given up.
const FIRST_FAILURES_MAX: usize = 3;

/// What a search is asked to do. It does not change while the search goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The parameters and how values are chosen.
    pub sampling: Sampling,
    /// Whether more or less of the primary metric is better.
    pub goal: Goal,
    /// The rule by which trials are stopped early.
    pub policy: Policy,
    /// The most trials.
    pub trials_max: u64,
    /// The most trials at once.
    pub concurrent_max: u64,
    /// What the values of trials are drawn from.
    pub seed: u64,
    /// Trials of earlier searches to go on with; they come first and count.
    pub resumed: Vec<Values>,
    /// Histories of trials of earlier searches, which policies compare with.
    pub earlier: Vec<History>,
}

/// Why no more trials are begun.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Closed {
    Expired,
    Stopped,
    Broken(String),
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Core {
    settings: Settings,
    trials: Vec<Trial>,
    progress: Progress,
    best: Option<(usize, f64)>,
    closed: Option<Closed>,
    finished: bool,
}

impl Core {
    /// A search that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            trials: Vec::new(),
            progress: Progress::default(),
            best: None,
            closed: None,
            finished: false,
        }
    }

    /// What it is asked to do.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its trials in the order in which they were begun.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The best trial so far with its best value: the first in the order of [`Goal::rank`].
    #[must_use]
    pub const fn best(&self) -> Option<(usize, f64)> {
        self.best
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// How it ended; `None` while it goes on.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.finished.then(|| self.judge())
    }

    /// Whether an event changes anything; a second end of a trial, say, does not.
    #[must_use]
    pub fn takes(&self, event: &Event) -> bool {
        let trial = |number: &usize| self.trials.get(*number);
        let state = |number| trial(number).map(|trial| &trial.state);
        !self.finished
            && match event {
                Event::Began => self.trials.is_empty(),
                Event::Suggested { trial, .. } => state(trial) == Some(&TrialState::Suggesting),
                Event::Submitted { trial, .. } => state(trial) == Some(&TrialState::Submitting),
                Event::Logged {
                    trial: number,
                    values,
                } => trial(number)
                    .is_some_and(|known| !known.is_over() && values.len() > known.history.len()),
                Event::Ended { trial: number, .. } => trial(number).is_some_and(|t| !t.is_over()),
                Event::Expired | Event::Stopped | Event::Broken { .. } => self.closed.is_none(),
            }
    }

    /// Takes one event in and gives what follows; nothing does from one that it does not take.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        if !self.takes(&event) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        match event {
            Event::Began => {}
            Event::Suggested { trial, values } => self.on_suggested(trial, values, &mut effects),
            Event::Submitted { trial, run } => self.on_submitted(trial, run, &mut effects),
            Event::Logged { trial, values } => self.on_logged(trial, values, &mut effects),
            Event::Ended { trial, outcome } => self.on_ended(trial, outcome, &mut effects),
            Event::Expired => self.close(Closed::Expired, &mut effects),
            Event::Stopped => self.close(Closed::Stopped, &mut effects),
            Event::Broken { reason } => self.close(Closed::Broken(reason), &mut effects),
        }
        self.begin_trials(&mut effects);
        self.finish_if_over(&mut effects);
        effects
    }

    /// The effects whose outcome has not been recorded: what is done after a crash.
    #[must_use]
    pub fn pending(&self) -> Vec<Effect> {
        if let Some(verdict) = self.verdict() {
            return vec![Effect::Finish { verdict }];
        }
        let mut effects = Vec::new();
        for (trial, known) in self.trials.iter().enumerate() {
            match &known.state {
                TrialState::Suggesting => effects.push(Effect::Suggest { trial }),
                TrialState::Submitting => effects.push(Effect::Submit {
                    trial,
                    values: known.values.clone(),
                }),
                TrialState::Running { run, cancelling } => {
                    let run = run.clone();
                    effects.push(Effect::Watch { trial, run });
                    let cancel = |reason| Effect::Cancel { trial, reason };
                    effects.extend(cancelling.map(cancel));
                }
                TrialState::Ended { .. } => {}
            }
        }
        effects
    }

    fn on_suggested(&mut self, trial: usize, values: Values, effects: &mut Vec<Effect>) {
        if self.closed.is_some() {
            self.end(trial, Outcome::Canceled);
            return;
        }
        let known = &mut self.trials[trial];
        known.values.clone_from(&values);
        known.state = TrialState::Submitting;
        effects.push(Effect::Submit { trial, values });
    }

    fn on_submitted(&mut self, trial: usize, run: String, effects: &mut Vec<Effect>) {
        let cancelling = self.closed.as_ref().map(|_| CancelReason::Closed);
        let known = &mut self.trials[trial];
        known.state = TrialState::Running {
            run: run.clone(),
            cancelling,
        };
        effects.push(Effect::Watch { trial, run });
        effects.extend(cancelling.map(|reason| Effect::Cancel { trial, reason }));
    }

    fn on_logged(&mut self, trial: usize, values: History, effects: &mut Vec<Effect>) {
        let known = &mut self.trials[trial];
        let before = known.history.len();
        known.history = values;
        let after = known.history.len();
        let best = self.settings.goal.best(&known.history);
        self.improve(trial, best, effects);
        for interval in before + 1..=after {
            self.ask_policy(trial, interval, effects);
        }
    }

    fn improve(&mut self, trial: usize, best: Option<f64>, effects: &mut Vec<Effect>) {
        let Some(value) = best else {
            return;
        };
        let goal = self.settings.goal;
        let ranks_first = |(known, best): (usize, f64)| {
            goal.rank((Some(value), trial), (Some(best), known)).is_lt()
        };
        if self.best.is_none_or(ranks_first) {
            self.best = Some((trial, value));
            effects.push(Effect::Best { trial, value });
        }
    }

    fn ask_policy(&mut self, trial: usize, interval: usize, effects: &mut Vec<Effect>) {
        if !self.settings.policy.watches() {
            return;
        }
        let own = self.trials.iter().map(|known| Compared {
            history: &known.history,
            ended: known.is_over(),
        });
        let earlier = self.settings.earlier.iter().map(|history| Compared {
            history,
            ended: true,
        });
        let all: Vec<Compared<'_>> = own.chain(earlier).collect();
        let goal = self.settings.goal;
        if !self.settings.policy.stops(goal, &all, trial, interval) {
            return;
        }
        if let TrialState::Running { cancelling, .. } = &mut self.trials[trial].state
            && cancelling.is_none()
        {
            let reason = CancelReason::Policy;
            *cancelling = Some(reason);
            effects.push(Effect::Cancel { trial, reason });
        }
    }

    fn on_ended(&mut self, trial: usize, outcome: Outcome, effects: &mut Vec<Effect>) {
        self.end(trial, outcome);
        let Progress {
            completed,
            failed,
            canceled,
            ..
        } = self.progress;
        let only_failures = failed >= FIRST_FAILURES_MAX && completed + canceled == 0;
        if only_failures && self.closed.is_none() {
            let reason = format!("the first {FIRST_FAILURES_MAX} trials failed");
            self.close(Closed::Broken(reason), effects);
        }
    }

    fn end(&mut self, trial: usize, outcome: Outcome) {
        let known = &mut self.trials[trial];
        let run = known.run().map(str::to_owned);
        known.state = TrialState::Ended { run, outcome };
        self.progress.end(outcome);
    }

    /// Begins no more trials, stops those that run, and ends those for which nothing was started yet.
    fn close(&mut self, why: Closed, effects: &mut Vec<Effect>) {
        self.closed = Some(why);
        let reason = CancelReason::Closed;
        for trial in 0..self.trials.len() {
            match &mut self.trials[trial].state {
                TrialState::Suggesting => self.end(trial, Outcome::Canceled),
                TrialState::Running { cancelling, .. } if cancelling.is_none() => {
                    *cancelling = Some(reason);
                    effects.push(Effect::Cancel { trial, reason });
                }
                _ => {}
            }
        }
    }

    /// Begins trials while there is room and something left to try.
    fn begin_trials(&mut self, effects: &mut Vec<Effect>) {
        if self.closed.is_some() {
            return;
        }
        let begun = u64::try_from(self.trials.len()).unwrap_or(u64::MAX);
        let mut free = usize::try_from(self.settings.concurrent_max)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.progress.running);
        let left = self.settings.trials_max.saturating_sub(begun);
        free = free.min(usize::try_from(left).unwrap_or(usize::MAX));
        while free > 0 {
            let trial = self.trials.len();
            let (values, state, effect) = match self.choose(trial) {
                Chosen::Exhausted => return,
                Chosen::Asked => {
                    let effect = Effect::Suggest { trial };
                    (Values::default(), TrialState::Suggesting, effect)
                }
                Chosen::Known(values) => {
                    let given = values.clone();
                    let effect = Effect::Submit {
                        trial,
                        values: given,
                    };
                    (values, TrialState::Submitting, effect)
                }
            };
            self.trials.push(Trial {
                values,
                history: History::new(),
                state,
            });
            self.progress.running += 1;
            effects.push(effect);
            free -= 1;
        }
    }

    /// The values of a trial that is about to be begun: those of the resumed ones come first.
    fn choose(&self, trial: usize) -> Chosen {
        let settings = &self.settings;
        if let Some(values) = settings.resumed.get(trial) {
            return Chosen::Known(values.clone());
        }
        let own = u64::try_from(trial - settings.resumed.len()).unwrap_or(u64::MAX);
        settings.sampling.choose(settings.seed, own)
    }

    fn finish_if_over(&mut self, effects: &mut Vec<Effect>) {
        if self.progress.running == 0 {
            self.finished = true;
            effects.push(Effect::Finish {
                verdict: self.judge(),
            });
        }
    }

    fn judge(&self) -> Verdict {
        match &self.closed {
            Some(Closed::Stopped) => Verdict::Canceled,
            Some(Closed::Broken(reason)) => Verdict::Failed(reason.clone()),
            _ if self.progress.failed > 0 && self.progress.failed == self.trials.len() => {
                Verdict::Failed("every trial failed".to_owned())
            }
            _ => Verdict::Completed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expression, Space};
    use serde_json::json;

    fn settings(trials_max: u64, concurrent_max: u64) -> Settings {
        let values = vec![json!(1), json!(2), json!(3), json!(4)];
        let space = Space::new(vec![("a".to_owned(), Expression::Choice(values))]);
        Settings {
            sampling: Sampling::Grid(space.expect("a space")),
            goal: Goal::Maximize,
            policy: Policy::Default,
            trials_max,
            concurrent_max,
            seed: 0,
            resumed: Vec::new(),
            earlier: Vec::new(),
        }
    }

    fn begun(settings: Settings) -> (Core, Vec<Effect>) {
        let mut core = Core::new(settings);
        let effects = core.step(Event::Began);
        (core, effects)
    }

    fn submitted(effects: &[Effect]) -> Vec<usize> {
        let submit = |effect: &Effect| match effect {
            Effect::Submit { trial, .. } => Some(*trial),
            _ => None,
        };
        effects.iter().filter_map(submit).collect()
    }

    fn run(core: &mut Core, trial: usize, metric: f64, outcome: Outcome) -> Vec<Effect> {
        let mut effects = core.step(Event::Submitted {
            trial,
            run: format!("r{trial}"),
        });
        let values = vec![metric];
        effects.extend(core.step(Event::Logged { trial, values }));
        effects.extend(core.step(Event::Ended { trial, outcome }));
        effects
    }

    #[test]
    fn a_grid_is_run_to_its_end_and_the_best_is_known() {
        let (mut core, effects) = begun(settings(10, 2));
        assert_eq!(submitted(&effects), [0, 1]);
        assert_eq!(submitted(&run(&mut core, 1, 0.7, Outcome::Completed)), [2]);
        assert_eq!(submitted(&run(&mut core, 0, 0.5, Outcome::Failed)), [3]);
        run(&mut core, 2, 0.9, Outcome::Completed);
        let last = run(&mut core, 3, 0.8, Outcome::Completed);
        let verdict = Verdict::Completed;
        assert_eq!(last.last(), Some(&Effect::Finish { verdict }));
        assert_eq!(core.best(), Some((2, 0.9)));
        assert_eq!(core.progress().completed, 3);
    }

    #[test]
    fn of_equal_trials_the_lowest_number_is_the_best_whoever_ends_first() {
        let (mut core, _) = begun(settings(3, 3));
        run(&mut core, 1, 0.9, Outcome::Completed);
        assert_eq!(core.best(), Some((1, 0.9)));
        let effects = run(&mut core, 0, 0.9, Outcome::Completed);
        let (trial, value) = (0, 0.9);
        assert!(effects.contains(&Effect::Best { trial, value }));
        let effects = run(&mut core, 2, 0.9, Outcome::Completed);
        let is_best = |effect: &Effect| matches!(effect, Effect::Best { .. });
        assert!(!effects.iter().any(is_best), "{effects:?}");
        assert_eq!(core.best(), Some((0, 0.9)));
    }

    #[test]
    fn no_more_trials_are_begun_than_asked_for() {
        let (mut core, _) = begun(settings(1, 5));
        assert_eq!(core.trials().len(), 1);
        let last = run(&mut core, 0, 1.0, Outcome::Completed);
        assert!(matches!(last.last(), Some(Effect::Finish { .. })));
        assert!(
            core.step(Event::Began).is_empty(),
            "what is finished stays so"
        );
    }

    #[test]
    fn a_search_whose_first_trials_all_fail_is_given_up() {
        let (mut core, _) = begun(settings(4, 1));
        run(&mut core, 0, 0.1, Outcome::Failed);
        run(&mut core, 1, 0.1, Outcome::Failed);
        let last = run(&mut core, 2, 0.1, Outcome::Failed);
        let verdict = Verdict::Failed("the first 3 trials failed".to_owned());
        assert_eq!(last.last(), Some(&Effect::Finish { verdict }));
        assert_eq!(core.trials().len(), 3);
    }

    #[test]
    fn stopping_a_search_stops_what_runs_and_begins_nothing() {
        let (mut core, _) = begun(settings(4, 2));
        let run = "r0".to_owned();
        core.step(Event::Submitted { trial: 0, run });
        let effects = core.step(Event::Stopped);
        let reason = CancelReason::Closed;
        assert_eq!(effects, [Effect::Cancel { trial: 0, reason }]);
        // The second was on its way to the server; it is stopped when it arrives.
        let run = "r1".to_owned();
        let effects = core.step(Event::Submitted { trial: 1, run });
        assert!(effects.contains(&Effect::Cancel { trial: 1, reason }));
        let outcome = Outcome::Canceled;
        core.step(Event::Ended { trial: 0, outcome });
        let last = core.step(Event::Ended { trial: 1, outcome });
        let verdict = Verdict::Canceled;
        assert_eq!(last, [Effect::Finish { verdict }]);
    }

    #[test]
    fn a_policy_stops_a_trial_once() {
        let mut settings = settings(2, 2);
        settings.policy =
            serde_json::from_value(json!({"name": "Bandit", "properties": {"slack_amount": 0.1}}))
                .expect("a policy");
        let (mut core, _) = begun(settings);
        for trial in 0..2 {
            let run = format!("r{trial}");
            core.step(Event::Submitted { trial, run });
        }
        let values = vec![0.9, 0.9];
        core.step(Event::Logged { trial: 0, values });
        let values = vec![0.1, 0.1];
        let effects = core.step(Event::Logged { trial: 1, values });
        let reason = CancelReason::Policy;
        assert_eq!(effects, [Effect::Cancel { trial: 1, reason }]);
    }

    #[test]
    fn after_a_crash_everything_unsettled_is_done_again() {
        let (mut core, _) = begun(settings(4, 2));
        let run = "r0".to_owned();
        core.step(Event::Submitted {
            trial: 0,
            run: run.clone(),
        });
        let values = vec![("a".to_owned(), json!(2))];
        let known = [
            Effect::Watch { trial: 0, run },
            Effect::Submit { trial: 1, values },
        ];
        assert_eq!(core.pending(), known);
    }
}
