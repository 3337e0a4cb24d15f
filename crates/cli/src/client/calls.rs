//! The calls themselves, one method each.

use std::time::Duration;

use fs_err::File;
use stepwell_api::{
    AuditPage, AuditRecord, CancelReply, CreateToken, Dataset, DatasetList, Experiment,
    ExperimentList, Gc, GcReport, GraphView, Health, KeyedRun, LogMetrics, Metrics, Model,
    ModelList, NewToken, PageTicket, ParallelProgress, ResubmitRun, Run, RunChange, RunPage,
    Snapshot, SnapshotReply, StartedRuns, SubmitRun, SubmitRuns, TokenInfo, TokenList, Trials,
    WhyList, Workspace,
};
use stepwell_model::uri_part;
use uuid::Uuid;

use super::{Client, POLL_SECONDS, Result};

/// How many runs are asked for at a time unless the caller says how many it needs.
const PAGE: usize = 500;

/// All items of a list that comes in pages; a page is asked for when it is needed.
fn pages<T>(
    mut ask: impl FnMut(Option<String>) -> Result<(Vec<T>, Option<String>)>,
) -> impl Iterator<Item = Result<T>> {
    let mut next = Some(None);
    let mut page = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(item) = page.next() {
                return Some(Ok(item));
            }
            match ask(next.take()?) {
                Ok((items, cursor)) => {
                    next = cursor.map(Some);
                    page = items.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunFilter {
    /// Of this experiment.
    pub(crate) experiment: Option<String>,
    /// With this status.
    pub(crate) status: Option<String>,
    /// That fit this query.
    pub(crate) filter: Option<String>,
    /// Steps and other children of this run, instead of runs without a parent.
    pub(crate) parent: Option<Uuid>,
    /// How many to ask for at a time: about as many as will be taken.
    pub(crate) page: Option<usize>,
}

impl Client {
    /// Whether a server is there; needs no token.
    pub(crate) fn health(&self) -> Result<Health> {
        self.get("health", &[])
    }

    /// What the server says of itself.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        self.get("workspace", &[])
    }

    /// All tokens, without their texts.
    pub(crate) fn tokens(&self) -> Result<TokenList> {
        self.get("tokens", &[])
    }

    /// Makes a token.
    pub(crate) fn create_token(&self, wanted: &CreateToken) -> Result<NewToken> {
        self.post("tokens", wanted)
    }

    /// Revokes a token, by its id or name.
    pub(crate) fn revoke_token(&self, token: &str) -> Result<TokenInfo> {
        self.delete(&encoded(&["tokens", token]))
    }

    /// The newest records of the audit, page by page as they are taken.
    pub(crate) fn audit(&self, page: usize) -> impl Iterator<Item = Result<AuditRecord>> + use<> {
        let client = self.clone();
        pages(move |cursor| {
            let mut query = vec![("limit", page.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let found: AuditPage = client.get("audit", &query)?;
            Ok((found.records, found.next))
        })
    }

    /// Stops the server; running steps go on.
    pub(crate) fn shutdown(&self) -> Result<()> {
        let request = self.authorized(self.agent.post(self.address("shutdown")));
        self.settle("shutdown", request.send_empty()).map(drop)
    }

    /// One run.
    pub(crate) fn run(&self, run: Uuid) -> Result<Run> {
        self.get(&format!("runs/{run}"), &[])
    }

    /// How far a parallel step is.
    pub(crate) fn parallel(&self, run: Uuid) -> Result<ParallelProgress> {
        self.get(&format!("runs/{run}/parallel"), &[])
    }

    /// One run, once it is over or the server's patience ends.
    pub(crate) fn wait(&self, run: Uuid) -> Result<Run> {
        let query = [("timeout_s", POLL_SECONDS.to_string())];
        self.get(&format!("runs/{run}/wait"), &query)
    }

    /// One run, once it is over or the time is up; the server waits a minute at most.
    pub(crate) fn wait_up_to(&self, run: Uuid, limit: Duration) -> Result<Run> {
        let query = [("timeout_s", limit.as_secs_f64().to_string())];
        self.get(&format!("runs/{run}/wait"), &query)
    }

    /// Starts a run; a repetition with the same key gives the run of the first.
    pub(crate) fn submit_once(&self, body: &SubmitRun, key: &str) -> Result<Run> {
        self.post_once("runs", body, key)
    }

    /// Starts runs together, each under its key; gives their ids in their order.
    pub(crate) fn submit_together(&self, runs: &[KeyedRun]) -> Result<Vec<Uuid>> {
        let runs = runs.to_vec();
        let started: StartedRuns = self.post("runs/batch", &SubmitRuns { runs })?;
        Ok(started.runs)
    }

    /// Changes what can be changed of a run.
    pub(crate) fn change_run(&self, run: Uuid, change: &RunChange) -> Result<Run> {
        self.patch(&format!("runs/{run}"), change)
    }

    /// Logs a batch of points; one that is sent twice is logged once.
    pub(crate) fn log_metrics(&self, run: Uuid, batch: &LogMetrics) -> Result<()> {
        let path = format!("runs/{run}/metrics");
        let request = self.authorized(self.agent.post(self.address(&path)));
        self.settle(&path, request.send_json(batch)).map(drop)
    }

    /// What a run logged under one name, or under all.
    pub(crate) fn metrics_named(&self, run: Uuid, name: Option<&str>) -> Result<Metrics> {
        let query: Vec<_> = name
            .iter()
            .map(|name| ("name", (*name).to_owned()))
            .collect();
        self.get(&format!("runs/{run}/metrics"), &query)
    }

    /// The trials of a search of hyperparameters, best first.
    pub(crate) fn trials(&self, search: Uuid) -> Result<Trials> {
        self.get(&format!("runs/{search}/trials"), &[])
    }

    /// Runs, page by page as they are taken: those without a parent newest first, children in the
    /// order of the steps.
    pub(crate) fn runs(&self, filter: &RunFilter) -> impl Iterator<Item = Result<Run>> + use<> {
        let client = self.clone();
        let filter = filter.clone();
        pages(move |cursor| {
            let found = client.page(&filter, cursor)?;
            Ok((found.runs, found.next))
        })
    }

    /// At most so many runs whose ids begin or end with these digits, steps among them.
    pub(crate) fn runs_by_digits(&self, digits: &str, limit: usize) -> Result<Vec<Run>> {
        let query = [("id", digits.to_owned()), ("limit", limit.to_string())];
        let found: RunPage = self.get("runs", &query)?;
        Ok(found.runs)
    }

    fn page(&self, filter: &RunFilter, cursor: Option<String>) -> Result<RunPage> {
        let optional = [
            ("experiment", filter.experiment.clone()),
            ("status", filter.status.clone()),
            ("filter", filter.filter.clone()),
            ("parent", filter.parent.map(|parent| parent.to_string())),
            ("cursor", cursor),
        ];
        let mut query = vec![("limit", filter.page.unwrap_or(PAGE).to_string())];
        query.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        self.get("runs", &query)
    }

    /// The steps and other children of a run.
    pub(crate) fn children(&self, parent: Uuid) -> Result<Vec<Run>> {
        let filter = RunFilter {
            parent: Some(parent),
            ..RunFilter::default()
        };
        self.runs(&filter).collect()
    }

    /// Submits what a run was submitted as once more; with the same key it is started once.
    pub(crate) fn resubmit_once(&self, run: Uuid, body: &ResubmitRun, key: &str) -> Result<Run> {
        self.post_once(&format!("runs/{run}/resubmit"), body, key)
    }

    /// The steps of a run, as they were submitted.
    pub(crate) fn pipeline_of(&self, run: Uuid) -> Result<SubmitRun> {
        self.get(&format!("runs/{run}/pipeline"), &[])
    }

    /// The files of a snapshot.
    pub(crate) fn snapshot(&self, digest: &str) -> Result<Snapshot> {
        self.get(&format!("snapshots/{digest}"), &[])
    }

    /// What a link to a page needs to let a browser in.
    pub(crate) fn ticket(&self) -> Result<PageTicket> {
        self.post_nothing("tickets")
    }

    /// All experiments, sorted by name.
    pub(crate) fn experiments(&self) -> impl Iterator<Item = Result<Experiment>> + use<> {
        let client = self.clone();
        pages(move |cursor| {
            let mut query = vec![("limit", PAGE.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let found: ExperimentList = client.get("experiments", &query)?;
            Ok((found.experiments, found.next))
        })
    }

    /// The newest version of each registered dataset, sorted by name.
    pub(crate) fn datasets(&self) -> impl Iterator<Item = Result<Dataset>> + use<> {
        let client = self.clone();
        pages(move |cursor| {
            let mut query = vec![("limit", PAGE.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let found: DatasetList = client.get("datasets", &query)?;
            Ok((found.datasets, found.next))
        })
    }

    /// A version of a registered dataset: the newest one unless named.
    pub(crate) fn dataset(&self, name: &str, version: Option<u64>) -> Result<Dataset> {
        let query: Vec<_> = version
            .iter()
            .map(|version| ("version", version.to_string()))
            .collect();
        self.get(&encoded(&["datasets", "named", name]), &query)
    }

    /// Asks a run to stop.
    pub(crate) fn cancel(&self, run: Uuid) -> Result<CancelReply> {
        self.post_nothing(&format!("runs/{run}/cancel"))
    }

    /// Why a run's steps ran or were reused.
    pub(crate) fn why(&self, run: Uuid) -> Result<WhyList> {
        self.get(&format!("runs/{run}/why"), &[])
    }

    /// What a submission would run and reuse.
    pub(crate) fn plan(&self, submission: &SubmitRun) -> Result<WhyList> {
        self.post("plan", submission)
    }

    /// Makes room; to be repeated until it is complete.
    pub(crate) fn gc(&self, asked: &Gc) -> Result<GcReport> {
        self.post("gc", asked)
    }

    /// The graph of a run.
    pub(crate) fn graph(&self, run: Uuid) -> Result<GraphView> {
        self.get(&format!("runs/{run}/graph"), &[])
    }

    /// The picture of a run's graph.
    pub(crate) fn graph_svg(&self, run: Uuid) -> Result<Vec<u8>> {
        let answer = self.get_raw(&format!("runs/{run}/graph.svg"), &[])?;
        self.bytes(answer)
    }

    /// The registered models that a filter wants, newest first, page by page as they are taken.
    pub(crate) fn models(
        &self,
        filter: &[(&'static str, String)],
    ) -> impl Iterator<Item = Result<Model>> + use<> {
        let client = self.clone();
        let filter = filter.to_vec();
        pages(move |cursor| {
            let mut query = filter.clone();
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let found: ModelList = client.get("models", &query)?;
            Ok((found.models, found.next))
        })
    }

    /// One version of a model.
    pub(crate) fn model(&self, name: &str, version: u64) -> Result<Model> {
        let path = ["models", name, "versions", &version.to_string()];
        self.get(&encoded(&path), &[])
    }

    /// The content of a file of a model, as it comes.
    pub(crate) fn model_file(
        &self,
        model: &Model,
        file: &str,
    ) -> Result<impl std::io::Read + use<>> {
        let version = model.version.to_string();
        let path = ["models", &model.name, "versions", &version, "files", file];
        let answer = self.get_raw(&encoded(&path), &[])?;
        Ok(answer.into_body().into_reader())
    }

    /// Announces a snapshot; the answer names the objects the server lacks.
    pub(crate) fn put_snapshot(&self, digest: &str, manifest: &[u8]) -> Result<SnapshotReply> {
        let path = format!("snapshots/{digest}");
        let answer = self.put(&path, manifest)?;
        self.parsed(&path, answer)
    }

    /// Sends one object.
    pub(crate) fn put_object(&self, digest: &str, content: &File) -> Result<()> {
        self.put(&format!("objects/{digest}"), content.file())
            .map(drop)
    }
}

/// Parts as a path of an address. A slash within a part stays, as files lie in folders.
pub(super) fn encoded(parts: &[&str]) -> String {
    let parts = parts.iter().flat_map(|part| part.split('/'));
    parts.map(uri_part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_path_keeps_its_meaning() {
        assert_eq!(
            encoded(&["models", "a b#c?é", "files", "x/y.pkl"]),
            "models/a%20b%23c%3F%C3%A9/files/x/y.pkl"
        );
    }
}
