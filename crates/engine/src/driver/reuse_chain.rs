//! Answers that follow from each other. When a step is reused, it is known at
//! once what the steps after it read, so they are looked up in the same pass: a chain of steps that
//! did not change is decided in one turn of the loop and not in one turn a step.
//!
//! Only hits are given ahead of their query. A miss may be out of date by the time the query
//! is asked, since an equal step may have ended in between; a hit stays true.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use stepwell_model::{RunId, StepIndex};
use stepwell_store::Connection;

use super::environment_parts::Memo;
use super::explanation::Explanation;
use super::registration::{self, NewDataset};
use super::remote::Seen;
use super::reuse::{CacheQuery, Resolver};
use crate::core::Resolution;
use crate::core::key::Part;

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
    /// Of an answer ahead of its query: whose outputs it takes for those of the steps before.
    pub(super) assumed: Option<Arc<Sources>>,
}

type Sources = HashMap<StepIndex, RunId>;

impl Answer {
    /// The answer to a query that was asked.
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
    pub(super) async fn confirm(&mut self, resolver: &Resolver, query: &CacheQuery) {
        let found = (self.resolution, self.explanation.clone());
        (self.resolution, self.explanation) = resolver.confirm(query, found).await;
        if !matches!(self.resolution, Resolution::Hit { .. }) {
            self.datasets.clear();
        }
    }
}

/// What goes into the steps that are asked about, in their order. It reads and hashes files.
pub(super) struct Prepared {
    parts: Vec<Result<Vec<Part>, String>>,
    memo: Memo,
}

/// Reads what goes into the steps that are asked about.
pub(super) fn prepare(resolver: &Resolver, queries: &[CacheQuery], seen: &Seen) -> Prepared {
    let mut memo = Memo::default();
    let parts = queries.iter();
    let parts = parts
        .map(|query| resolver.parts(query, seen, &mut memo))
        .collect();
    Prepared { parts, memo }
}

/// Answers the queries, and those that follow from hits; producers come first. What follows from
/// hits reads what earlier steps have written, whose digests are known as a rule.
pub(super) fn answers(
    resolver: &Resolver,
    db: &Connection,
    queries: &[CacheQuery],
    seen: &Seen,
    prepared: Prepared,
) -> stepwell_store::Result<Vec<Answer>> {
    let asked = queries.len();
    let mut line: VecDeque<CacheQuery> = queries
        .iter()
        .map(|query| query.about(query.step))
        .collect();
    let mut runs: HashMap<RunId, Ahead> = HashMap::new();
    let mut answers = Vec::with_capacity(asked);
    let Prepared { parts, mut memo } = prepared;
    let mut prepared = parts.into_iter();
    let mut number = 0;
    while let Some(mut query) = line.pop_front() {
        number += 1;
        let run = query.spec.id;
        let sources = || queries.iter().find(|each| each.spec.id == run);
        let ahead = runs
            .entry(run)
            .or_insert_with(|| Ahead::of(sources().unwrap_or(&query)));
        query.sources = Arc::clone(&ahead.sources);
        let parts = match prepared.next() {
            Some(parts) => parts,
            None => resolver.parts(&query, seen, &mut memo),
        };
        let (resolution, explanation) = resolver.resolve(db, &query, parts)?;
        // No copy of the sources is held while they grow.
        query.sources = Arc::default();
        let step = query.step;
        let mut datasets = Vec::new();
        if let Resolution::Hit { source, .. } = resolution {
            if registration::concerns(&query.graph, step) {
                let Resolver { site, contents, .. } = resolver;
                datasets = registration::inspect(site, contents, &query.graph, step, source);
            }
            let is_here = |step| resolver.site.is_all_here(&query.graph, step);
            // Whether outputs on other machines are still there is not known yet.
            if is_here(step) {
                for next in ahead.hit(&query, source) {
                    if line.len() + number < asked + AHEAD_MAX && is_here(next) {
                        line.push_back(query.about(next));
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
    fn of(query: &CacheQuery) -> Self {
        Self {
            sources: Arc::clone(&query.sources),
            unmet: HashMap::new(),
        }
    }

    /// Takes note of a hit; gives the steps that now wait for no other one.
    fn hit(&mut self, query: &CacheQuery, source: RunId) -> Vec<StepIndex> {
        let CacheQuery {
            graph,
            step,
            topology,
            ..
        } = query;
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
