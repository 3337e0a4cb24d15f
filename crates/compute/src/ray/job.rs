//! What Ray is given for an attempt: the job, and the line that its node runs. Pure.

use camino::Utf8Path;
use serde_json::{Map, Value, json};
use stepwell_model::{AttemptId, RayTarget, shell_word};

use super::capacity::asked;
use crate::cluster::{NODES, Submission};

/// The file of an attempt for what its node and the supervisor print.
pub(super) const LOG: &str = "ray.log";

/// The program by which a job has several nodes, and its file in the attempt's folder.
pub(super) const NODES_PROGRAM: &str = include_str!("nodes.py");
pub(super) const NODES_FILE: &str = "nodes.py";

/// The exit statuses of that program when the first node was lost, and when its Python has no Ray.
pub(super) const EXIT_NODE_LOST: i32 = 75;
pub(super) const EXIT_NO_RAY: i32 = 78;

/// How many nodes the job of several has, in its metadata.
pub(super) const NODE_COUNT: &str = "stepwell_nodes";

/// What the ids of all our jobs begin with.
pub(super) const PREFIX: &str = "stepwell-";

/// The id of the job of an attempt. Ray takes one of each id, whoever submits it: so an attempt has
/// one job, or one after the other when some ended without having begun.
pub(super) fn id(attempt: AttemptId, jobs_before: u32) -> String {
    let id = format!("{PREFIX}{}-{}", attempt.run, attempt.number);
    match jobs_before {
        0 => id,
        count => format!("{id}-{}", count + 1),
    }
}

/// The body of the submission.
pub(super) fn body(
    job: &str,
    cluster: &str,
    target: &RayTarget,
    submission: &Submission<'_>,
) -> Value {
    let mut body = json!({
        "submission_id": job,
        "metadata": {
            "stepwell_attempt": submission.attempt.to_string(),
            "stepwell_target": submission.target.as_str(),
        },
        // The process that looks after the job reads there how long it may take to stop.
        "runtime_env": {"env_vars": {
            "RAY_JOB_STOP_WAIT_TIME_S": submission.stops_within.as_secs_f64().ceil().to_string(),
        }},
    });
    let asked = asked(target, submission.needs);
    let (program, folder) = (submission.program, submission.folder);
    if submission.needs.nodes > 1 {
        let request = nodes_request(cluster, job, submission, asked);
        body["entrypoint"] = entry_point_of_several(folder, &request).into();
        body["metadata"][NODE_COUNT] = submission.needs.nodes.to_string().into();
        return body;
    }
    body["entrypoint"] = entry_point(cluster, job, program, folder).into();
    let mut own = Map::new();
    for (name, amount) in asked {
        match name {
            "CPU" => body["entrypoint_num_cpus"] = amount.into(),
            "GPU" => body["entrypoint_num_gpus"] = amount.into(),
            // It is to be a whole number.
            "memory" => body["entrypoint_memory"] = submission.needs.memory_bytes.into(),
            name => drop(own.insert(name.to_owned(), amount.into())),
        }
    }
    if !own.is_empty() {
        body["entrypoint_resources"] = own.into();
    }
    body
}

/// The line. What the supervisor says on its standard output is for a server beside it. The shell outlives a request to stop, which the supervisor is given as well; a
/// supervisor whose shell is gone, as it is when the node leaves the cluster, stops the step; and
/// what a killed supervisor has left is killed by the shell.
fn entry_point(cluster: &str, job: &str, supervisor: &Utf8Path, folder: &Utf8Path) -> String {
    let [cluster, job] = [cluster, job].map(shell_word);
    let [supervisor, folder] = [supervisor, folder].map(|path| shell_word(path.as_str()));
    format!(
        "trap : TERM; cd {folder} || exit 2; test -e claim.json || uname -n >{NODES}; \
         {supervisor} --tied $$ --holder {cluster} {job} {folder} >/dev/null 2>>{LOG}; status=$?; \
         [ $status -lt 128 ] || {supervisor} --sweep {folder} >>{LOG} 2>&1; exit $status"
    )
}

/// What the program is asked for that has several nodes. The job itself takes nothing: what it reserves
/// for the step, it reserves on all nodes at once.
fn nodes_request(
    cluster: &str,
    job: &str,
    submission: &Submission<'_>,
    asked: Vec<(&str, f64)>,
) -> Value {
    let (program, folder) = (submission.program.as_str(), submission.folder.as_str());
    let each = asked.into_iter().map(|(name, amount)| match name {
        "memory" => (name.to_owned(), submission.needs.memory_bytes.into()),
        name => (name.to_owned(), amount.into()),
    });
    json!({
        "name": job,
        "nodes": submission.needs.nodes,
        "each": each.collect::<Map<_, Value>>(),
        "supervisor": [program, "--tied", "{parent}", "--holder", cluster, job, folder],
        "sweep": [program, "--sweep", folder],
    })
}

/// The line for several nodes. The shell outlives a request to stop, which the program is given as well.
/// Ray's own documents call its Python so, too.
fn entry_point_of_several(folder: &Utf8Path, request: &Value) -> String {
    let (folder, request) = (
        shell_word(folder.as_str()),
        shell_word(&request.to_string()),
    );
    format!(
        "trap : TERM; cd {folder} || exit 2; \
         \"$(command -v python || command -v python3)\" {NODES_FILE} reserve {request} \
         >/dev/null 2>>{LOG}"
    )
}

/// What a job waits for, for people.
pub(super) fn waits_for(job: &str, reason: &str) -> String {
    match reason {
        "" => format!("Ray job {job}"),
        reason => format!("Ray job {job}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use stepwell_model::{Resources, TargetName};

    use super::*;

    #[test]
    fn a_job_asks_for_what_its_step_and_its_target_do() {
        let target = RayTarget {
            address: "http://head:8265".to_owned(),
            cores: Some(2),
            resources: BTreeMap::from([("worker".to_owned(), 1)]),
            token_file: None,
        };
        let attempt = "0192f5c4-1111-7222-8333-444455556666#2";
        let attempt = attempt.parse().expect("an id");
        let submission = Submission {
            attempt,
            folder: "/data/it's/a".into(),
            needs: &Resources {
                memory_bytes: Some(1 << 30),
                gpus: 1,
                ..Resources::default()
            },
            outlives_nodes: false,
            target: &TargetName::new("gpus"),
            program: "/opt/supervise".into(),
            stops_within: Duration::from_millis(15_500),
            jobs_before: 1,
            may_be_there: true,
        };
        let job = id(attempt, submission.jobs_before);
        assert_eq!(job, "stepwell-0192f5c4-1111-7222-8333-444455556666-2-2");
        let body = body(&job, "ray@http://head:8265", &target, &submission);
        let line = "trap : TERM; cd '/data/it'\\''s/a' || exit 2; test -e claim.json || uname -n >nodes; \
                    '/opt/supervise' --tied $$ --holder 'ray@http://head:8265' \
                    'stepwell-0192f5c4-1111-7222-8333-444455556666-2-2' '/data/it'\\''s/a' >/dev/null 2>>ray.log; \
                    status=$?; [ $status -lt 128 ] || '/opt/supervise' --sweep '/data/it'\\''s/a' \
                    >>ray.log 2>&1; exit $status";
        let expected = json!({
            "submission_id": job,
            "entrypoint": line,
            "entrypoint_num_cpus": 2.0,
            "entrypoint_num_gpus": 1.0,
            "entrypoint_memory": 1 << 30,
            "entrypoint_resources": {"worker": 1.0},
            "metadata": {
                "stepwell_attempt": "0192f5c4-1111-7222-8333-444455556666#2",
                "stepwell_target": "gpus",
            },
            "runtime_env": {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "16"}},
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_job_of_several_nodes_takes_nothing_itself_and_reserves_the_same_on_each() {
        let target = RayTarget {
            address: "http://head:8265".to_owned(),
            cores: None,
            resources: BTreeMap::from([("worker".to_owned(), 1)]),
            token_file: None,
        };
        let attempt = "0192f5c4-1111-7222-8333-444455556666#1";
        let submission = Submission {
            attempt: attempt.parse().expect("an id"),
            folder: "/data/a".into(),
            needs: &Resources {
                nodes: 3,
                cores: Some(4),
                memory_bytes: Some(1 << 30),
                ..Resources::default()
            },
            outlives_nodes: false,
            may_be_there: false,
            target: &TargetName::new("wide"),
            program: "/opt/supervise".into(),
            stops_within: Duration::from_secs(20),
            jobs_before: 0,
        };
        let body = body("job", "ray@http://head:8265", &target, &submission);
        assert_eq!(body["metadata"][NODE_COUNT], "3");
        assert_eq!(body.get("entrypoint_num_cpus"), None);
        assert_eq!(body.get("entrypoint_resources"), None);
        let line = body["entrypoint"].as_str().expect("a line");
        let (before, after) = line.split_once(" reserve '").expect("the request");
        assert_eq!(
            before,
            "trap : TERM; cd '/data/a' || exit 2; \"$(command -v python || command -v python3)\" nodes.py"
        );
        let (request, _) = after.split_once('\'').expect("its end");
        let request: Value = serde_json::from_str(request).expect("JSON");
        let expected = json!({
            "name": "job",
            "nodes": 3,
            "each": {"CPU": 4.0, "memory": 1 << 30, "worker": 1.0},
            "supervisor": [
                "/opt/supervise", "--tied", "{parent}", "--holder", "ray@http://head:8265", "job", "/data/a",
            ],
            "sweep": ["/opt/supervise", "--sweep", "/data/a"],
        });
        assert_eq!(request, expected);
    }

    #[test]
    fn an_attempt_has_one_id_and_each_job_after_the_first_another() {
        let attempt = "0192f5c4-1111-7222-8333-444455556666#1";
        let attempt = attempt.parse().expect("an id");
        assert_eq!(
            id(attempt, 0),
            "stepwell-0192f5c4-1111-7222-8333-444455556666-1"
        );
        assert_ne!(id(attempt, 0), id(attempt, 1));
    }
}
