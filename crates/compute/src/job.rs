//! What an executor is asked to do: one attempt, as values that mean the same on every machine.
//!
//! A job says *what*, never *where on this disk*: paths, environments and the server's address are
//! the [`Stager`](crate::Stager)'s part, on the machine that stages. It can be stored and sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stepwell_model::{
    Arg, AttemptId, ComputeKind, Digest, Distribution, EnvironmentSpec, Program, Resources, Spread,
    TargetName,
};

use crate::Worker;

/// One attempt, with everything resolved that the graph left open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Which try of which step.
    pub attempt: AttemptId,
    /// Where it runs.
    pub target: TargetName,
    /// What that is.
    #[serde(default)]
    pub compute: ComputeKind,
    /// What it needs of the machines it runs on.
    #[serde(default)]
    pub resources: Resources,
    /// What is done.
    pub work: Work,
    /// Whether its data is staged: inputs of other machines are brought here before it starts, and
    /// outputs are uploaded when it has ended well. If not, its worker does both.
    pub stages_data: bool,
    /// What it reads.
    pub inputs: Vec<JobInput>,
    /// What it writes.
    pub outputs: Vec<JobOutput>,
    /// Environment variables beside those that say where things are. They hold the step's token.
    pub variables: BTreeMap<String, String>,
    /// The name among the links to submitting SDKs of the one that its environment lacks.
    #[serde(default)]
    pub sdk: Option<String>,
    /// The longest it may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A program of the user's.
    Program {
        /// What is started.
        program: Program,
        /// Its arguments, one token each, without pipeline parameters: those have their values.
        arguments: Vec<Arg>,
        /// The Python it runs with.
        environment: EnvironmentSpec,
        /// The files of the working directory; `None` for an empty one.
        snapshot: Option<Digest>,
        /// How its processes find each other, if it is several: as many as the resources say.
        #[serde(default)]
        distribution: Option<Distribution>,
    },
    /// A worker of Stepwell's own, which reads what it is to do in the file `request.json` of the
    /// attempt: a [`WorkerRequest`](stepwell_model::WorkerRequest).
    Native {
        /// Which worker.
        worker: Worker,
        /// What its kind says: the `task` of the request.
        request: serde_json::Value,
        /// The Python that the worker, or what it starts, runs with; `None` when it needs none.
        python: Option<EnvironmentSpec>,
        /// The files of the working directory; `None` for an empty one.
        snapshot: Option<Digest>,
    },
}

impl Job {
    /// What is asked of a cluster for it.
    #[must_use]
    pub fn needs(&self) -> Resources {
        self.compute.needs(self.resources, self.work.spread())
    }

    /// Whether its program places processes on the other nodes of its job, and goes on without a node
    /// that is lost.
    #[must_use]
    pub fn places_workers(&self) -> bool {
        self.work.spread().is_some() && self.needs().nodes > self.resources.nodes
    }
}

impl Work {
    /// Over how many nodes the processes are spread that its program starts, if it starts any.
    #[must_use]
    pub const fn spread(&self) -> Option<Spread> {
        match self {
            Self::Native {
                worker: Worker::Driver { spread, .. },
                ..
            } => *spread,
            Self::Native { .. } | Self::Program { .. } => None,
        }
    }

    /// The Python environment that must be ready before it starts.
    #[must_use]
    pub const fn python(&self) -> Option<&EnvironmentSpec> {
        match self {
            Self::Program { environment, .. } => Some(environment),
            Self::Native { python, .. } => python.as_ref(),
        }
    }

    /// Whether it is several processes that are started together.
    #[must_use]
    pub const fn is_several(&self) -> bool {
        let distribution = match self {
            Self::Program { distribution, .. } => distribution,
            Self::Native { .. } => return false,
        };
        distribution.is_some()
    }

    /// The files of its working directory.
    #[must_use]
    pub const fn snapshot(&self) -> Option<Digest> {
        match self {
            Self::Program { snapshot, .. } | Self::Native { snapshot, .. } => *snapshot,
        }
    }
}

/// Data that a job reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInput {
    /// The name of the port.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// The path below its root, with `/` between the parts.
    pub path: String,
    /// Whether it is a fault when nothing is there; else an empty folder appears.
    pub must_exist: bool,
    /// Whether the step gets a copy of its own, which it may write to.
    #[serde(default)]
    pub download: bool,
    /// Where the step finds it, relative to its working directory; `None` for wherever it is.
    #[serde(default)]
    pub path_on_compute: Option<String>,
}

/// Data that a job writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOutput {
    /// The name of the port.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// The path below its root, without placeholders.
    pub path: String,
    /// Whether no other step ever writes to that path.
    pub is_own: bool,
    /// Whether the folder is made before the program starts.
    #[serde(default)]
    pub make_folder: bool,
    /// What the program writes instead, relative to its working directory, to be uploaded when it
    /// has succeeded.
    #[serde(default)]
    pub upload_from: Option<String>,
    /// Whether an upload must not replace files that are there.
    #[serde(default)]
    pub keep_existing: bool,
    /// Patterns of the files that are uploaded; all when there is none.
    #[serde(default)]
    pub source_globs: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_can_be_stored_and_sent() {
        let job = Job {
            attempt: "0192f5c4-1111-7222-8333-444455556666#2"
                .parse()
                .expect("an id"),
            target: TargetName::new("cluster"),
            compute: ComputeKind::default(),
            resources: Resources {
                nodes: 4,
                memory_bytes: Some(8 << 30),
                ..Resources::default()
            },
            work: Work::Native {
                worker: Worker::Command("drive-parallel".to_owned()),
                request: serde_json::json!({"inputs": []}),
                python: None,
                snapshot: Some(Digest::new([7; 32])),
            },
            stages_data: true,
            inputs: Vec::new(),
            outputs: vec![JobOutput {
                name: "made".to_owned(),
                datastore: "blob".to_owned(),
                path: "a/b".to_owned(),
                is_own: true,
                make_folder: false,
                upload_from: None,
                keep_existing: false,
                source_globs: Vec::new(),
            }],
            variables: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            sdk: None,
            timeout_s: Some(60),
        };
        let text = serde_json::to_string(&job).expect("JSON");
        assert_eq!(serde_json::from_str::<Job>(&text).expect("a job"), job);
    }
}
