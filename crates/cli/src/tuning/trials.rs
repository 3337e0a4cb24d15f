//! Trials as runs: what is submitted for one, the tags by which clients know them, and what is taken
//! over from earlier searches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stepwell_api as api;
use stepwell_api::{RunChange, SubmitRun};
use stepwell_model::{Arg, Failure, ProcessTask, Program, RunId, TuneRequest, WorkerRequest};
use stepwell_server::{program_on_the_wire, resources_on_the_wire};
use stepwell_tune::{Core, Event, History, Outcome, Search, Values, arguments, shell_word};
use stepwell_worker::Worker;

use super::link::Link;
use super::{as_object, say, watch};

/// The tag of a trial that holds its values as JSON.
const VALUES_TAG: &str = "hyperparameters";

/// The argument that names the outputs of the trial that is gone on with.
const RESUME_ARGUMENT: &str = "--resume-from";

/// What trials have in common.
#[derive(Debug)]
pub(super) struct Trials {
    run: RunId,
    experiment: String,
    name: String,
    user: String,
    /// Trials that are gone on with: their values, and where their outputs are on this machine.
    resumed: Vec<(Values, PathBuf)>,
    /// Trials of earlier searches with what they logged.
    earlier: Vec<(Values, History)>,
}

impl Trials {
    /// Reads what trials need of the search's run and of earlier searches.
    pub(super) fn prepare(
        worker: &Worker,
        link: &Link,
        search: &Search,
        state: &Path,
    ) -> Result<Self, Failure> {
        let run = worker.request().run;
        let own = link.run(&run.to_string())?;
        let mut trials = Self {
            run,
            experiment: own.experiment,
            name: own.display_name,
            user: own.user,
            resumed: Vec::new(),
            earlier: Vec::new(),
        };
        for child in &search.resume_child_runs {
            let found = link.run(child)?;
            let values = values_of(&found);
            let folder = state.join("resumed").join(child);
            for file in link.files(child, "outputs/")? {
                link.fetch(child, &file, &folder.join(&file))?;
            }
            trials.resumed.push((values, folder.join("outputs")));
        }
        let metric = &search.primary_metric;
        for parent in &search.resume_from {
            for child in link.children(parent)? {
                let series = link.metrics(&child.id.to_string(), Some(&metric.name))?;
                let own = series.into_iter().filter(|(name, _)| *name == metric.name);
                let history = watch::numbers(own.flat_map(|(_, points)| points), metric.goal);
                trials.earlier.push((values_of(&child), history));
            }
        }
        Ok(trials)
    }

    /// What values are drawn from where the program gave no seed: a restart draws the same.
    pub(super) fn fallback_seed(&self) -> u64 {
        self.run.uuid().as_u64_pair().1
    }

    pub(super) fn resumed_values(&self) -> Vec<Values> {
        self.resumed
            .iter()
            .map(|(values, _)| values.clone())
            .collect()
    }

    pub(super) fn earlier_histories(&self) -> Vec<History> {
        self.earlier
            .iter()
            .map(|(_, history)| history.clone())
            .collect()
    }

    pub(super) fn earlier(&self) -> &[(Values, History)] {
        &self.earlier
    }

    /// The submission of a trial; the same for equal arguments.
    pub(super) fn body(
        &self,
        worker: &Worker,
        request: &TuneRequest,
        trial: usize,
        values: &Values,
    ) -> SubmitRun {
        let mut program: ProcessTask = request.trial.clone();
        let mut added = arguments(values);
        if let Some((_, folder)) = self.resumed.get(trial) {
            added.extend([
                RESUME_ARGUMENT.to_owned(),
                folder.to_string_lossy().into_owned(),
            ]);
        }
        if matches!(program.program, Program::Shell(_)) {
            added = added.iter().map(|word| shell_word(word)).collect();
        }
        program
            .arguments
            .extend(added.into_iter().map(Arg::Literal));
        let name = format!("{}_{trial}", self.name);
        let step = api::SubmitStep {
            name: name.clone(),
            kind: "ScriptRun".to_owned(),
            target: request.trial_target.clone(),
            task: api::Task::Process(program_on_the_wire(&program)),
            inputs: inputs(worker.request()),
            outputs: Vec::new(),
            after: Vec::new(),
            allow_reuse: false,
            resources: resources_on_the_wire(&request.trial_resources),
        };
        SubmitRun {
            experiment: self.experiment.clone(),
            kind: "script".to_owned(),
            display_name: Some(name),
            description: None,
            tags: BTreeMap::from([(VALUES_TAG.to_owned(), json!(as_object(values)).to_string())]),
            properties: BTreeMap::new(),
            parent: Some(self.run.uuid()),
            declared: BTreeMap::new(),
            parameters: BTreeMap::new(),
            data_paths: BTreeMap::new(),
            datasets: BTreeMap::new(),
            continue_on_step_failure: false,
            regenerate_outputs: false,
            client: api::ClientInfo {
                sdk_path: request.sdk_path.clone(),
                version: None,
                user: Some(self.user.clone()),
            },
            steps: vec![step],
            outputs: BTreeMap::new(),
        }
    }

    /// Writes what clients look for on the search's run.
    pub(super) fn describe(
        &self,
        link: &Link,
        search: &Search,
        request: &TuneRequest,
    ) -> Result<(), Failure> {
        let described = &request.search;
        let tags = [
            (
                "generator_config",
                json!({"name": described["sampling"], "parameter_space": described["space"]})
                    .to_string(),
            ),
            ("policy_config", described["policy"].to_string()),
            (
                "primary_metric_config",
                described["primary_metric"].to_string(),
            ),
            ("max_total_jobs", search.max_total_runs.to_string()),
            (
                "max_concurrent_jobs",
                described["max_concurrent_runs"].to_string(),
            ),
            (
                "max_duration_minutes",
                search.max_duration_minutes.to_string(),
            ),
        ];
        let change = RunChange {
            set_tags: tags
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text))
                .collect(),
            ..RunChange::default()
        };
        Ok(link.change(self.run, &change)?)
    }

    /// Writes the values of all trials and the best one on the search's run.
    pub(super) fn write_tags(&self, link: &Link, core: &Core) -> Result<(), Failure> {
        let mut change = RunChange::default();
        for trial in core.trials() {
            if let Some(run) = trial.run() {
                let values = json!(as_object(&trial.values)).to_string();
                change.set_tags.insert(format!("_aml_system_{run}"), values);
            }
        }
        if let Some((trial, value)) = core.best() {
            let run = core.trials()[trial].run().unwrap_or_default().to_owned();
            change
                .add_properties
                .insert("best_child_run_id".to_owned(), run);
            change
                .add_properties
                .insert("score".to_owned(), value.to_string());
        }
        Ok(link.change(self.run, &change)?)
    }

    /// A line of the log for what a reader wants to know.
    pub(super) fn log_event(&self, core: &Core, event: &Event) {
        match event {
            Event::Submitted { trial, run } => {
                let values = json!(as_object(&core.trials()[*trial].values));
                say(&format!("trial {trial} is run {run}: {values}"));
            }
            Event::Ended { trial, outcome } => {
                let goal = core.settings().goal;
                let best = goal.best(&core.trials()[*trial].history);
                let best = best
                    .map(|best| format!(", best {best}"))
                    .unwrap_or_default();
                say(&format!("trial {trial} {}{best}", word(*outcome)));
            }
            Event::Expired => say("the search has taken as long as it may"),
            Event::Stopped => say("the search is stopped"),
            Event::Broken { reason } => say(reason),
            Event::Began | Event::Suggested { .. } | Event::Logged { .. } => {}
        }
    }
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Canceled => "was stopped",
    }
}

/// The values in the tag of a trial.
fn values_of(run: &api::Run) -> Values {
    let text = run
        .tags
        .get(VALUES_TAG)
        .map(String::as_str)
        .unwrap_or_default();
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => values.into_iter().collect(),
        _ => Values::new(),
    }
}

/// The inputs of the step as inputs of a trial: the data lies where it lies.
fn inputs(request: &WorkerRequest) -> Vec<api::StepInput> {
    let input = |(name, port): (&String, &stepwell_model::PortLocation)| api::StepInput {
        name: name.clone(),
        source: api::DataPlace::Datastore {
            datastore: port.datastore.clone(),
            path: port.path.clone(),
        },
        download: false,
        path_on_compute: None,
    };
    request.inputs.iter().map(input).collect()
}
