//! Suggestions of a model: a small Python process that runs Optuna's sampler (`stepwell._suggest`).
//!
//! Each question holds everything that is known, and each answer is one line, so that a process that
//! is started anew after a crash answers as the one before.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use stepwell_tune::{Core, Outcome, Search, TrialState, Values};

use super::as_object;
use super::trials::Trials;

/// The variable that names the interpreter of the step's environment.
const PYTHON: &str = "STEPWELL_PYTHON";

/// The process with its pipes.
pub(super) struct Suggester {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Suggester {
    pub(super) fn start() -> Result<Self, String> {
        let python = std::env::var(PYTHON).map_err(|_| format!("`{PYTHON}` is not set"))?;
        let mut command = Command::new(&python);
        command.args(["-m", "stepwell._suggest"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("`{python}` cannot be started: {error}"))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the process that suggests values has no pipes".to_owned());
        };
        Ok(Self {
            child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    pub(super) fn ask(
        &mut self,
        core: &Core,
        search: &Search,
        trials: &Trials,
        trial: usize,
    ) -> Result<Values, String> {
        let question = json!({
            "space": search.space,
            "goal": search.primary_metric.goal,
            "seed": core.settings().seed,
            "trial": trial,
            "known": known(core, trials),
            "running": running(core),
        });
        let broken = |error: std::io::Error| format!("no value was suggested: {error}");
        writeln!(self.questions, "{question}").map_err(broken)?;
        self.questions.flush().map_err(broken)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(broken)?;
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(reason) = answer["error"].as_str() {
            return Err(format!("no value was suggested: {reason}"));
        }
        let name = |(name, _): &(String, _)| {
            let value = answer["values"].get(name).cloned();
            let missing = || "no value was suggested; the step's log says why".to_owned();
            Ok((name.clone(), value.ok_or_else(missing)?))
        };
        search.space.parameters().iter().map(name).collect()
    }
}

impl Drop for Suggester {
    fn drop(&mut self) {
        // It ends with its input; a second end is no fault.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Trials that came to something, of this search and of those it goes on from.
fn known(core: &Core, trials: &Trials) -> Vec<Value> {
    let goal = core.settings().goal;
    let own = core.trials().iter().filter_map(|trial| {
        let ended = matches!(
            trial.state,
            TrialState::Ended {
                outcome: Outcome::Completed | Outcome::Canceled,
                ..
            }
        );
        let score = goal.best(&trial.history).filter(|_| ended)?;
        Some(json!({"values": as_object(&trial.values), "score": score}))
    });
    let earlier = trials.earlier().iter().filter_map(|(values, history)| {
        let score = goal.best(history)?;
        Some(json!({"values": as_object(values), "score": score}))
    });
    earlier.chain(own).collect()
}

fn running(core: &Core) -> Vec<Value> {
    let open = |state: &TrialState| !matches!(state, TrialState::Ended { .. });
    let under_way = core.trials().iter();
    let under_way = under_way.filter(|trial| open(&trial.state) && !trial.values.is_empty());
    under_way
        .map(|trial| json!(as_object(&trial.values)))
        .collect()
}
