//! A Slurm cluster that is asked by its REST API: what `slurmrestd` has as `openapi/v0.0.38` since Slurm
//! 22.05.
//!
//! A job's options have the names there that `sbatch` has for them, but for some. All jobs of the cluster
//! are listed, since one cannot ask for those of a user.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::ask::{Answer, Ask, AskError};
use super::capacity::{self, Capacity};
use super::cli;
use super::out_of_use::OutOfUse;
use super::queue::{self, Ended};
use super::script::NAME;
use crate::cluster::listing::{Jobs, Listed};
use crate::http::{Http, NoAnswer, token};

const API: &str = "/slurm/v0.0.38";

/// Slurm's own refusals, and those of the API.
const REFUSALS: [std::ops::Range<i64>; 2] = [2000..3000, 9000..10_000];

/// Options of `sbatch` that have other names here.
const RENAMED: [(&str, &str); 6] = [
    ("chdir", "current_working_directory"),
    ("job-name", "name"),
    ("mem", "memory_per_node"),
    ("ntasks-per-node", "tasks_per_node"),
    ("output", "standard_output"),
    ("time", "time_limit"),
];

/// Those that are not of a job, but of the command.
const OF_THE_COMMAND: [&str; 2] = ["export", "parsable"];

/// Asks one cluster.
#[derive(Debug)]
pub(super) struct Rest {
    http: Http,
    token_file: String,
}

impl Rest {
    pub(super) fn new(address: String, token_file: String) -> Self {
        Self {
            http: Http::new(address),
            token_file,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        let text = self.call(Method::GET, path, None).await?;
        self.parsed(&text)
    }

    async fn delete(&self, path: &str) -> Result<(), AskError> {
        match self.call(Method::DELETE, path, None).await {
            // It is over already.
            Ok(_) | Err(AskError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, AskError> {
        let path = format!("{API}{path}");
        let called = self.http.call(method, &path, body, |request| {
            signed(request, &token(&self.token_file)?)
        });
        let (status, text) = called.await.map_err(|error| match error {
            NoAnswer::Silent(said) => AskError::Silent(said),
            NoAnswer::Never(said) => AskError::Refused(said),
        })?;
        match status.is_success() {
            true => Ok(text),
            false => Err(refusal(status, &text)),
        }
    }

    fn parsed<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, AskError> {
        let address = &self.http.address;
        serde_json::from_slice(text).map_err(|error| {
            AskError::Refused(format!("{address}{API} is not Slurm's REST API: {error}"))
        })
    }

    async fn nodes(&self) -> Result<Vec<Node>, AskError> {
        Ok(self.get::<Nodes>("/nodes").await?.nodes)
    }

    async fn partitions(&self) -> Result<Vec<Partition>, AskError> {
        Ok(self.get::<Partitions>("/partitions").await?.partitions)
    }
}

impl Ask for Rest {
    fn submit<'a>(&'a self, options: &'a [String], script: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let body = json!({"script": script, "job": job(options, cli::variables())});
            let text = self.call(Method::POST, "/job/submit", Some(&body)).await?;
            // Errors beside an id are of what may pass: it is in the queue.
            let submitted: Submitted = self.parsed(&text)?;
            let id = submitted.job_id.filter(|id| *id > 0);
            id.map(|id| id.to_string())
                .ok_or_else(|| refusal(StatusCode::OK, &text))
        })
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let all = self.get::<JobList>("/jobs").await?.jobs;
            let named = all.iter().filter(|job| job.name == name);
            Ok(named.map(|job| job.job_id).max().map(|job| job.to_string()))
        })
    }

    fn jobs(&self) -> Answer<'_, Jobs> {
        Box::pin(async {
            let all = self.get::<JobList>("/jobs").await?.jobs.into_iter();
            let ours = all.filter(|job| job.name.starts_with(NAME));
            Ok(ours
                .map(|job| (job.job_id.to_string(), job.listed()))
                .collect())
        })
    }

    fn ended<'a>(&'a self, job: &'a str) -> Answer<'a, Ended> {
        Box::pin(async move {
            match self.get::<JobList>(&format!("/job/{job}")).await {
                Ok(found) => Ok(found
                    .jobs
                    .into_iter()
                    .next()
                    .map_or_else(Ended::default, Ended::from)),
                Err(AskError::Refused(_)) => Ok(Ended::default()),
                Err(error) => Err(error),
            }
        })
    }

    fn ask_to_stop<'a>(&'a self, job: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.delete(&format!("/job/{job}?signal=TERM")).await })
    }

    fn end<'a>(&'a self, job: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.delete(&format!("/job/{job}")).await })
    }

    fn capacity(&self) -> Answer<'_, Capacity> {
        Box::pin(async {
            let (nodes, partitions) = (self.nodes().await?, self.partitions().await?);
            let of = |node: &Node| {
                let of_node = in_partitions(node, &partitions);
                let of_node = of_node.map(|partition| capacity::Node {
                    partition: partition.name.clone(),
                    by_default: partition.is_default(),
                    cores: node.cpus,
                    memory_mb: node.real_memory,
                    gpus: capacity::gpus(&node.gres),
                    limit_s: partition.limit_s(),
                });
                of_node.collect::<Vec<_>>()
            };
            Ok(Capacity::of(nodes.iter().flat_map(of).collect()))
        })
    }

    fn out_of_use(&self) -> Answer<'_, Vec<OutOfUse>> {
        Box::pin(async {
            let (nodes, partitions) = (self.nodes().await?, self.partitions().await?);
            let of = |node: &Node| {
                let of_node = in_partitions(node, &partitions);
                let of_node = of_node.map(|partition| OutOfUse {
                    partition: partition.name.clone(),
                    by_default: partition.is_default(),
                    node: node.name.clone(),
                    reason: node.reason.clone(),
                });
                of_node.collect::<Vec<_>>()
            };
            let unused = nodes.iter().filter(|node| node.is_out_of_use());
            Ok(unused.flat_map(of).collect())
        })
    }
}

/// With who asks: the token, and the user that it names.
fn signed(request: RequestBuilder, token: &str) -> Result<RequestBuilder, String> {
    let user = user_of(token).ok_or("the token does not name its user as `scontrol token` does")?;
    Ok(request
        .header("x-slurm-user-name", user)
        .header("x-slurm-user-token", token))
}

fn user_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sun: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.sun)
}

/// The job of such options of `sbatch`.
fn job(options: &[String], variables: Vec<(String, String)>) -> Value {
    let mut job = Map::new();
    for option in options {
        let option = option.trim_start_matches('-');
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value.into()),
            // The one option whose value may be left out, and must not be here.
            None if option == "no-kill" => (option, "set".into()),
            None => (option, Value::Bool(true)),
        };
        if OF_THE_COMMAND.contains(&name) {
            continue;
        }
        let renamed = RENAMED.iter().find(|(command, _)| *command == name);
        let name = renamed.map_or_else(|| name.replace('-', "_"), |(_, own)| (*own).to_owned());
        job.insert(name, value);
    }
    let variables = variables
        .into_iter()
        .map(|(name, value)| (name, value.into()));
    job.insert(
        "environment".to_owned(),
        variables.collect::<Map<_, _>>().into(),
    );
    job.into()
}

/// What an answer says that is no success.
fn refusal(status: StatusCode, text: &[u8]) -> AskError {
    let Ok(Errors { errors }) = serde_json::from_slice(text) else {
        let said = String::from_utf8_lossy(text);
        let said = format!("it answers {}: {}", status.as_u16(), said.trim());
        return match status {
            StatusCode::NOT_FOUND => AskError::Refused(format!("its REST API has no `{API}`")),
            status if status.is_client_error() => AskError::Refused(said),
            _ => AskError::Silent(said),
        };
    };
    let said: Vec<&str> = errors.iter().filter_map(Fault::said).collect();
    let said = match said.is_empty() {
        true => format!("it answers {} and gives no reason", status.as_u16()),
        false => said.join("; "),
    };
    let numbers = || errors.iter().filter_map(|fault| fault.error_number);
    match numbers().any(|number| REFUSALS.iter().any(|range| range.contains(&number))) {
        true => AskError::Refused(said),
        // A token that has expired is among these, and another one may come.
        false => AskError::Silent(said),
    }
}

fn in_partitions<'a>(
    node: &'a Node,
    partitions: &'a [Partition],
) -> impl Iterator<Item = &'a Partition> {
    partitions
        .iter()
        .filter(|partition| node.partitions.contains(&partition.name))
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default, alias = "error_code", alias = "errno")]
    error_number: Option<i64>,
    error: Option<String>,
    description: Option<String>,
}

impl Fault {
    /// What says more.
    fn said(&self) -> Option<&str> {
        self.description.as_deref().or(self.error.as_deref())
    }
}

#[derive(Deserialize)]
struct Submitted {
    job_id: Option<u64>,
}

#[derive(Deserialize)]
struct JobList {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    job_id: u64,
    name: String,
    job_state: String,
    state_reason: String,
    /// What says more than the reason, where there is something.
    state_description: String,
    /// As `wait` has it.
    exit_code: i32,
    batch_host: String,
}

impl Job {
    fn listed(self) -> Listed {
        if queue::waits(&self.job_state) {
            return Listed::Waits(match self.state_description.as_str() {
                "" => self.state_reason,
                _ => self.state_description,
            });
        }
        match Ended::from(self).is_alive() {
            true => Listed::Runs,
            false => Listed::Over,
        }
    }
}

impl From<Job> for Ended {
    fn from(job: Job) -> Self {
        let (code, signal) = (job.exit_code >> 8 & 0xff, job.exit_code & 0x7f);
        Self {
            state: job.job_state,
            reason: job.state_reason,
            exit_code: Some(code).filter(|code| *code != 0),
            signal: Some(signal).filter(|signal| *signal != 0),
            node: job.batch_host,
            node_trouble: None,
        }
    }
}

#[derive(Deserialize)]
struct Nodes {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    name: String,
    partitions: Vec<String>,
    cpus: u32,
    real_memory: u64,
    gres: String,
    state: String,
    state_flags: Vec<String>,
    reason: String,
}

impl Node {
    fn is_out_of_use(&self) -> bool {
        matches!(self.state.as_str(), "down" | "error")
            || self
                .state_flags
                .iter()
                .any(|flag| flag == "DRAIN" || flag == "FAIL")
    }
}

#[derive(Deserialize)]
struct Partitions {
    partitions: Vec<Partition>,
}

#[derive(Deserialize)]
struct Partition {
    name: String,
    flags: Vec<String>,
    /// In minutes; absent or negative for none.
    max_time_limit: Option<i64>,
}

impl Partition {
    fn is_default(&self) -> bool {
        self.flags.iter().any(|flag| flag == "default")
    }

    fn limit_s(&self) -> Option<u64> {
        let minutes = u64::try_from(self.max_time_limit?).ok()?;
        Some(minutes * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_command_are_those_of_a_job() {
        let options = [
            "--constraint=a100",
            "--partition=gpu",
            "--parsable",
            "--no-requeue",
            "--export=ALL",
            "--job-name=stepwell-a#1",
            "--chdir=/a=b",
            "--ntasks-per-node=2",
            "--no-kill",
            "--mem=4M",
            "--time=2",
        ];
        let options = options.map(str::to_owned);
        let variables = vec![("PATH".to_owned(), "/bin".to_owned())];
        insta::assert_snapshot!(format!("{:#}", job(&options, variables)), @r#"
        {
          "constraint": "a100",
          "current_working_directory": "/a=b",
          "environment": {
            "PATH": "/bin"
          },
          "memory_per_node": "4M",
          "name": "stepwell-a#1",
          "no_kill": "set",
          "no_requeue": true,
          "partition": "gpu",
          "tasks_per_node": "2",
          "time_limit": "2"
        }
        "#);
    }

    #[test]
    fn a_refusal_is_told_from_a_cluster_that_does_not_answer() {
        let of = |status: u16, text: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            refusal(status, text.as_bytes())
        };
        let unknown = r#"{"errors": [{"description": "Unknown key \"mem\"", "source": "hsearch_r"},
            {"error_code": 9001, "error": "Failure during parsing"}]}"#;
        assert_eq!(
            of(400, unknown),
            AskError::Refused("Unknown key \"mem\"; Failure during parsing".to_owned())
        );
        let invalid = r#"{"errors": [{"error_number": 2000, "error": "Invalid partition"}]}"#;
        assert_eq!(
            of(500, invalid),
            AskError::Refused("Invalid partition".to_owned())
        );
        let away =
            r#"{"errors": [{"error_code": 1800, "error": "Unable to contact"}], "jobs": []}"#;
        assert_eq!(
            of(500, away),
            AskError::Silent("Unable to contact".to_owned())
        );
        let unspecified = r#"{"errors": [{"error": "Unspecified error", "errno": -1}]}"#;
        assert!(matches!(of(500, unspecified), AskError::Silent(_)));
        assert!(matches!(
            of(401, "Authentication failure"),
            AskError::Refused(_)
        ));
        assert!(matches!(of(502, "<html>"), AskError::Silent(_)));
    }

    #[test]
    fn the_user_is_the_one_that_the_token_names() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1,"iat":0,"sun":"anna"}"#);
        let token = format!("e30.{claims}.c2lnbmF0dXJl");
        assert_eq!(user_of(&token).as_deref(), Some("anna"));
        assert_eq!(user_of("e30.e30.e30"), None);
        assert_eq!(user_of("token"), None);
    }

    #[test]
    fn an_end_is_read_as_the_commands_say_it() {
        let job = |state: &str, exit_code| Job {
            job_id: 1,
            name: "stepwell-a#1".to_owned(),
            job_state: state.to_owned(),
            state_reason: "None".to_owned(),
            state_description: String::new(),
            exit_code,
            batch_host: "n1".to_owned(),
        };
        let ended = Ended::from(job("FAILED", 1280));
        assert_eq!((ended.exit_code, ended.signal), (Some(5), None));
        assert_eq!(Ended::from(job("FAILED", 9)).signal, Some(9));
        assert_eq!(job("PENDING", 0).listed(), Listed::Waits("None".to_owned()));
        assert_eq!(job("COMPLETING", 0).listed(), Listed::Runs);
        assert_eq!(job("CANCELLED", 0).listed(), Listed::Over);
    }
}
