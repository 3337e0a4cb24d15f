//! `stepwell compute test`: a tiny step that looks around where it runs.
//!
//! What it prints is read again from its log: one line for each thing that was tried. So the log
//! alone, which came through the data folder, shows that the folder is shared.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use stepwell_api::{Compute, Run, SubmitRun};
use uuid::Uuid;

use crate::client::Patience;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// How often it is said that the step still waits.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The step: a line is the name of what was tried, `ok` or `no`, and more.
const SCRIPT: &str = r#"
say() { echo "probe $1 $2 $3"; }
say node ok "$(hostname)"
if "$STEPWELL_BIN" --version >/dev/null 2>&1
then say program ok "$STEPWELL_BIN"
else say program no "$STEPWELL_BIN cannot be run there"
fi
if said=$("$STEPWELL_BIN" show "$AZUREML_RUN_ID" --json 2>&1 >/dev/null)
then say server ok "reached at $STEPWELL_URL"
else say server no "not reached at $STEPWELL_URL: $(echo $said)"
fi
if version=$("$STEPWELL_PYTHON" -c 'import platform; print(platform.python_version())' 2>&1)
then say python ok "$version at $STEPWELL_PYTHON"
else say python no "$STEPWELL_PYTHON cannot be run there"
fi
"#;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: String,
    works: bool,
    detail: String,
}

/// Does it.
pub(super) fn run(target: &Compute, json: bool, session: &Session) -> Result<Exit, Failure> {
    let body = submission(&target.name)?;
    let key = Uuid::new_v4().to_string();
    let mut run = session.call(|client| client.submit_once(&body, &key))?;
    if !json {
        output::note(&format!(
            "a tiny step runs on `{}`: {}",
            target.name, run.id
        ));
    }
    while !run.status.is_over() {
        run = session.call(|client| client.wait_up_to(run.id, REPORT_EVERY))?;
        if let Some(wait) = run.waiting.as_ref().filter(|_| !json) {
            output::note(&format!("it waits: {}", wait.message));
        }
    }
    let log = session.call(|client| client.log(run.id, 0, Patience::Now))?;
    let checks = checks(&run, &String::from_utf8_lossy(&log.bytes));
    if json {
        output::json(&checks)?;
    } else {
        let line = |check: &Check| {
            let word = if check.works { "ok" } else { "no" };
            format!("{word:<4}{:<9}{}\n", check.name, check.detail)
        };
        output::print(&checks.iter().map(line).collect::<String>())?;
        if checks
            .iter()
            .any(|check| check.name == "server" && !check.works)
        {
            output::note(
                "hint: scripts cannot log metrics or register models from there; serve on an \
                 address that the nodes reach: `stepwell serve --host`, `--advertise`",
            );
        }
    }
    match checks.iter().all(|check| check.works) {
        true => Ok(Exit::Success),
        false => Ok(Exit::Failed),
    }
}

fn submission(target: &str) -> Result<SubmitRun, Failure> {
    let body = json!({
        "experiment": "compute-test",
        "kind": "script",
        "display_name": format!("test of {target}"),
        "steps": [{
            "name": "test",
            "kind": "ComputeTest",
            "target": target,
            "task": {
                "type": "process",
                "program": {"shell": "sh"},
                "arguments": [{"literal": SCRIPT}],
                "environment": {"kind": "interpreter", "python": "python3"},
            },
        }],
    });
    serde_json::from_value(body).map_err(|error| {
        Failure::new(
            Exit::Refused,
            error.to_string(),
            "this is a fault of Stepwell",
        )
    })
}

/// What is known of the target after the step: how it ended, and what it has seen.
fn checks(run: &Run, log: &str) -> Vec<Check> {
    let mut said: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
    for line in log.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        if let ["probe", name, word, detail] = words.as_slice() {
            said.insert(name, (*word == "ok", detail));
        }
    }
    let step = match &run.error {
        None => (true, "it ran, and its log came back".to_owned()),
        Some(error) => {
            let more = [&error.detail, &error.hint];
            let more = more.into_iter().filter(|text| !text.is_empty());
            let more: String = more.map(|text| format!("\n{text}")).collect();
            (false, format!("{}{more}", error.message))
        }
    };
    let check = |name: &str, (works, detail): (bool, String)| Check {
        name: name.to_owned(),
        works,
        detail,
    };
    let mut checks = vec![check("step", step)];
    let nodes = run.usage.as_ref().map(|usage| usage.nodes.as_str());
    for name in ["node", "program", "python", "server"] {
        if let Some((works, detail)) = said.get(name) {
            let detail = match nodes.filter(|nodes| name == "node" && !nodes.is_empty()) {
                Some(nodes) => format!("{nodes} ({detail})"),
                None => (*detail).to_owned(),
            };
            checks.push(check(name, (*works, detail)));
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn what_the_step_has_seen_is_read_from_its_log() {
        let run = example::steps().swap_remove(0);
        let log = "probe node ok n1\nanything\nprobe server no not reached at http://a: b c\n";
        let found = checks(&run, log);
        let works: Vec<(&str, bool)> = found
            .iter()
            .map(|check| (check.name.as_str(), check.works))
            .collect();
        assert_eq!(works, [("step", true), ("node", true), ("server", false)]);
        assert_eq!(found[2].detail, "not reached at http://a: b c");
    }

    #[test]
    fn a_step_that_failed_says_why() {
        let run = example::steps().swap_remove(2);
        let found = checks(&run, "");
        assert_eq!(found.len(), 1);
        assert!(!found[0].works && found[0].detail.contains("exited"));
    }

    #[test]
    fn the_submission_is_one_that_a_server_takes() {
        let body = submission("aml-cluster").expect("a submission");
        assert_eq!(body.steps[0].target, "aml-cluster");
    }
}
