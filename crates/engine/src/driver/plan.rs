//! What a submission would do: which steps would be reused and which would run, and why.
//!
//! It stores nothing and starts nothing.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell_data::cas::Cas;
use stepwell_data::content::Contents;
use stepwell_model::{Graph, InputSource, RunId, StepIndex};
use stepwell_store::Connection;

use super::environment_parts::Memo;
use super::explanation::{Explanation, Outcome};
use super::launch::StepContext;
use super::remote::Seen;
use super::reuse::{CacheQuery, Resolver};
use super::submission::Submission;
use crate::core::{Resolution, Topology};

/// Finds out about every step, producers first. What reads from a step that would run would run
/// too, as nobody knows what that step will write.
///
/// # Errors
/// Those of the database and of the object store.
pub fn plan(
    db: &Connection,
    site: &StepContext,
    cas: Cas,
    submission: &Submission,
    seen: &Seen,
) -> stepwell_store::Result<Vec<Explanation>> {
    let resolver = Resolver {
        site: site.clone(),
        cas,
        contents: Contents::open(&site.folder.digests()),
    };
    let (spec, graph) = (Arc::new(submission.spec.clone()), &submission.graph);
    let topology = Topology::new(graph);
    let mut sources: Arc<HashMap<StepIndex, RunId>> = Arc::default();
    let mut memo = Memo::default();
    let mut plans: HashMap<StepIndex, Explanation> = HashMap::new();
    for step in producers_first(&topology) {
        let explanation = match certain_reason(graph, step, spec.regenerate_outputs, &plans) {
            Some(reason) => runs(reason),
            None => {
                let query = CacheQuery {
                    spec: Arc::clone(&spec),
                    graph: Arc::clone(graph),
                    step,
                    sources: Arc::clone(&sources),
                    topology: topology.clone(),
                };
                let parts = resolver.parts(&query, seen, &mut memo);
                let (resolution, explanation) = resolver.resolve(db, &query, parts)?;
                drop(query);
                if let Resolution::Hit { source, .. } = resolution {
                    Arc::make_mut(&mut sources).insert(step, source);
                }
                explanation
            }
        };
        plans.insert(step, explanation);
    }
    let places = (0..graph.steps().len()).map(StepIndex::from);
    Ok(places.filter_map(|step| plans.remove(&step)).collect())
}

/// What the inputs of a submission are on other machines, to be looked at before it is planned.
pub async fn inspect(site: &StepContext, submission: &Submission) -> Seen {
    let (spec, graph) = (Arc::new(submission.spec.clone()), &submission.graph);
    let topology = Topology::new(graph);
    let query = |step| CacheQuery {
        spec: Arc::clone(&spec),
        graph: Arc::clone(graph),
        step: StepIndex::from(step),
        sources: Arc::default(),
        topology: topology.clone(),
    };
    let reads = |step: &usize| {
        let inputs = &graph.steps()[*step].spec.inputs;
        let given =
            |input: &stepwell_model::Input| matches!(input.source, InputSource::Datastore { .. });
        inputs.iter().any(given)
    };
    let steps = (0..graph.steps().len()).filter(reads);
    let queries: Vec<_> = steps.map(query).collect();
    site.inspect(&queries).await
}

fn runs(reason: String) -> Explanation {
    Explanation {
        outcome: Outcome::Miss,
        reasons: vec![reason],
        compared_with: None,
        key: None,
        parts: Vec::new(),
    }
}

/// Why a step would run whatever has run before.
fn certain_reason(
    graph: &Graph,
    step: StepIndex,
    regenerate: bool,
    plans: &HashMap<StepIndex, Explanation>,
) -> Option<String> {
    let spec = &graph.step(step).spec;
    if regenerate {
        return Some("regenerate_outputs is set for this run".to_owned());
    }
    if !spec.allow_reuse {
        return Some("allow_reuse is False for this step".to_owned());
    }
    spec.inputs.iter().find_map(|input| match &input.source {
        InputSource::Step { step, .. } if plans.get(step)?.outcome != Outcome::Hit => {
            Some(format!(
                "it reads from step `{}`, which would run",
                graph.step(*step).spec.name
            ))
        }
        _ => None,
    })
}

fn producers_first(topology: &Topology) -> Vec<StepIndex> {
    let mut unmet = topology.unmet().to_vec();
    let free = (0..unmet.len())
        .filter(|&step| unmet[step] == 0)
        .map(StepIndex::from);
    let mut order: Vec<StepIndex> = free.collect();
    let mut next = 0;
    while let Some(&step) = order.get(next) {
        next += 1;
        for dependent in topology.dependents(step) {
            unmet[dependent.get()] -= 1;
            if unmet[dependent.get()] == 0 {
                order.push(*dependent);
            }
        }
    }
    order
}
