//! Answers that follow from each other. When an earlier run stands in for a step, it is known at
//! once what the steps after it read, so they are looked up in the same pass: a chain of steps that
//! did not change is decided in one turn of the loop and not in one turn a step.
//!
//! Only hits are given ahead of their question. A miss may be out of date by the time the question
//! is asked, since an equal step may have ended in between; a hit stays true.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use stepwell_model::{RunId, StepIndex};
use stepwell_store::Connection;

use super::register::{self, NewDataset};
use super::remote::Seen;
use super::reuse::{Explanation, Memo, Question, Resolver};
use crate::core::Resolution;

/// How many answers are given ahead in one pass. More would keep the loop from other work.
const AHEAD_MAX: usize = 1_024;

/// What was found out about a step.
pub(super) struct Answer {
    pub(super) run: RunId,
    pub(super) step: StepIndex,
    pub(super) resolution: Resolution,
    pub(super) explanation: Explanation,
    /// The datasets that its outputs become if it is reused.
    pub(super) datasets: Vec<NewDataset>,
    /// Of an answer ahead of its question: whose outputs it takes for those of the steps before.
    pub(super) assumed: Option<Arc<Sources>>,
}

type Sources = HashMap<StepIndex, RunId>;

impl Answer {
    /// The answer to a question that was asked.
    pub(super) fn asked(
        (run, step): (RunId, StepIndex),
        (resolution, explanation): (Resolution, Explanation),
    ) -> Self {
        Self {
            run,
            step,
            resolution,
            explanation,
            datasets: Vec::new(),
            assumed: None,
        }
    }

    /// Asks whether outputs on other machines are still there; if not, it is a miss.
    pub(super) async fn confirm(&mut self, resolver: &Resolver, question: &Question) {
        let told = (self.resolution, self.explanation.clone());
        (self.resolution, self.explanation) = resolver.confirm(question, told).await;
        if !matches!(self.resolution, Resolution::Hit { .. }) {
            self.datasets.clear();
        }
    }
}

/// Answers the questions, and those that follow from hits; producers come first.
pub(super) fn answers(
    resolver: &Resolver,
    db: &Connection,
    questions: &[Question],
    seen: &Seen,
) -> stepwell_store::Result<Vec<Answer>> {
    let asked = questions.len();
    let mut line: VecDeque<Question> = questions
        .iter()
        .map(|question| question.about(question.step))
        .collect();
    let mut runs: HashMap<RunId, Ahead> = HashMap::new();
    let mut answers = Vec::with_capacity(asked);
    let mut memo = Memo::default();
    let mut number = 0;
    while let Some(mut question) = line.pop_front() {
        number += 1;
        let run = question.spec.id;
        let sources = || questions.iter().find(|each| each.spec.id == run);
        let ahead = runs
            .entry(run)
            .or_insert_with(|| Ahead::of(sources().unwrap_or(&question)));
        question.sources = Arc::clone(&ahead.sources);
        let (resolution, explanation) = resolver.resolve(db, &question, seen, &mut memo)?;
        // No copy of the sources is held while they grow.
        question.sources = Arc::default();
        let step = question.step;
        let mut datasets = Vec::new();
        if let Resolution::Hit { source, .. } = resolution {
            if register::concerns(&question.graph, step) {
                let Resolver { site, contents, .. } = resolver;
                datasets = register::look(site, contents, &question.graph, step, source);
            }
            let is_here = |step| resolver.site.is_all_here(&question.graph, step);
            // Whether outputs on other machines are still there is not known yet.
            if is_here(step) {
                for next in ahead.hit(&question, source) {
                    if line.len() + number < asked + AHEAD_MAX && is_here(next) {
                        line.push_back(question.about(next));
                    }
                }
            }
        } else if number > asked {
            continue;
        }
        let mut answer = Answer::asked((run, step), (resolution, explanation));
        answer.datasets = datasets;
        answer.assumed = (number > asked).then(Arc::default);
        answers.push(answer);
    }
    for answer in answers.iter_mut().filter(|each| each.assumed.is_some()) {
        answer.assumed = runs.get(&answer.run).map(|run| Arc::clone(&run.sources));
    }
    Ok(answers)
}

/// How far one run is known ahead.
struct Ahead {
    /// The runs whose outputs stand in, those of this pass included.
    sources: Arc<Sources>,
    /// How many edges of a step lead to steps that are not among the sources.
    unmet: HashMap<StepIndex, usize>,
}

impl Ahead {
    fn of(question: &Question) -> Self {
        Self {
            sources: Arc::clone(&question.sources),
            unmet: HashMap::new(),
        }
    }

    /// Takes note of a hit; gives the steps that now wait for no other one.
    fn hit(&mut self, question: &Question, source: RunId) -> Vec<StepIndex> {
        let Question {
            graph,
            step,
            topology,
            ..
        } = question;
        Arc::make_mut(&mut self.sources).insert(*step, source);
        let mut ready = Vec::new();
        // A dependent that names the step twice comes twice, one after the other.
        for edges in topology.dependents(*step).chunk_by(|one, next| one == next) {
            let next = edges[0];
            let unmet = match self.unmet.get_mut(&next) {
                Some(unmet) => {
                    *unmet -= edges.len();
                    *unmet
                }
                None => {
                    let dependencies = graph.step(next).spec.dependencies();
                    let open = |before: &StepIndex| !self.sources.contains_key(before);
                    let unmet = dependencies.filter(open).count();
                    self.unmet.insert(next, unmet);
                    unmet
                }
            };
            if unmet == 0 && topology.is_reusable(next) {
                ready.push(next);
            }
        }
        ready
    }
}
