//! The processes of a step that is several, and what each is given to know of the others. Pure.
//!
//! The variables are those that PyTorch (`env://`), TensorFlow (`TF_CONFIG`) and programs written
//! for MPI on Azure ML look for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stepwell_model::Communicator;

use crate::spec::Several;

/// The variable that carries the world to each of its processes.
pub(super) const VARIABLE: &str = "STEPWELL_WORLD";

/// What starts the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    /// The launcher itself.
    Launcher,
    /// `mpiexec`, which tells its processes of each other.
    Mpiexec,
    /// `srun`.
    Srun,
    /// The nodes that are reserved on a Ray cluster, each of which runs what it is asked to.
    Nodes,
}

impl By {
    /// The variables by which a process knows its rank: one of them is there.
    pub(super) const fn rank_variables(self) -> &'static [&'static str] {
        match self {
            Self::Launcher | Self::Nodes => &["STEPWELL_RANK"],
            Self::Mpiexec => &["PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"],
            Self::Srun => &["SLURM_PROCID"],
        }
    }
}

/// All processes of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct World {
    /// What starts them.
    pub(super) by: By,
    /// How they find each other.
    pub(super) communicator: Communicator,
    /// How many of them, the last ones, serve parameters.
    pub(super) parameter_servers: u32,
    /// The addresses of the nodes, the first one's first.
    pub(super) nodes: Vec<String>,
    /// How many processes each node has; those that serve parameters come on top.
    pub(super) processes_per_node: u32,
    /// The first of the ports that are for them: one for all, then one for each.
    pub(super) port: u16,
}

impl World {
    /// The world of what is asked for, on these nodes.
    pub(super) fn new(several: &Several, by: By, nodes: Vec<String>, port: u16) -> Self {
        let serve = several.distribution.parameter_servers;
        let is_served = several.distribution.communicator == Communicator::TensorFlow;
        Self {
            by,
            communicator: several.distribution.communicator,
            parameter_servers: if is_served { serve } else { 0 },
            nodes,
            processes_per_node: match is_served {
                true => 1,
                false => several.processes_per_node.max(1),
            },
            port,
        }
    }

    /// How many of them do the work: all but those that serve parameters.
    pub(super) fn workers(&self) -> u32 {
        u32::try_from(self.nodes.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(self.processes_per_node)
    }

    /// How many processes there are.
    pub(super) fn size(&self) -> u32 {
        self.workers().saturating_add(self.parameter_servers)
    }

    /// Whether the ranks go around the nodes: one worker on each, then those that serve.
    pub(super) const fn goes_around(&self) -> bool {
        matches!(self.communicator, Communicator::TensorFlow)
    }

    /// The node of a rank, and its place there.
    pub(super) fn place(&self, rank: u32) -> (u32, u32) {
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX).max(1);
        match self.goes_around() {
            true => (rank % nodes, rank / nodes),
            false => (
                rank / self.processes_per_node,
                rank % self.processes_per_node,
            ),
        }
    }

    /// How many processes are on a node.
    fn on_node(&self, node: u32) -> u32 {
        let all = 0..self.size();
        let count = all.filter(|rank| self.place(*rank).0 == node).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The variables of a rank.
    pub(super) fn variables(&self, rank: u32) -> BTreeMap<String, String> {
        let (node, local) = self.place(rank);
        let first = self.nodes.first().map_or("127.0.0.1", String::as_str);
        let (size, per_node) = (self.size().to_string(), self.on_node(node).to_string());
        let port = self.port.to_string();
        let (rank_text, node, local) = (rank.to_string(), node.to_string(), local.to_string());
        let mut given = vec![
            ("MASTER_ADDR", first),
            ("MASTER_PORT", &port),
            ("RANK", &rank_text),
            ("WORLD_SIZE", &size),
            ("LOCAL_RANK", &local),
            ("LOCAL_WORLD_SIZE", &per_node),
            ("NODE_RANK", &node),
            ("AZ_BATCHAI_TASK_INDEX", &rank_text),
        ];
        let address = format!("{first}:{port}");
        let config = self.tf_config(rank);
        match self.communicator {
            Communicator::Mpi => given.extend([
                ("OMPI_COMM_WORLD_RANK", rank_text.as_str()),
                ("OMPI_COMM_WORLD_SIZE", &size),
                ("OMPI_COMM_WORLD_LOCAL_RANK", &local),
                ("OMPI_COMM_WORLD_LOCAL_SIZE", &per_node),
                ("OMPI_COMM_WORLD_NODE_RANK", &local),
                ("AZ_BATCHAI_MPI_MASTER_NODE", first),
                ("AZ_BATCH_MASTER_NODE", &address),
            ]),
            Communicator::TensorFlow => given.push(("TF_CONFIG", &config)),
            Communicator::PyTorch | Communicator::Independent => {}
        }
        given
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// TensorFlow's list of all, and which of them this one is.
    fn tf_config(&self, rank: u32) -> String {
        let workers = self.workers();
        let address = |rank: u32| {
            let host = self.nodes.get(self.place(rank).0 as usize);
            let host = host.map_or("127.0.0.1", String::as_str);
            format!("{host}:{}", u32::from(self.port) + 1 + rank)
        };
        let worker: Vec<String> = (0..workers).map(address).collect();
        let mut cluster = BTreeMap::from([("worker", worker)]);
        if self.parameter_servers > 0 {
            cluster.insert("ps", (workers..self.size()).map(address).collect());
        }
        let task = match rank.checked_sub(workers) {
            Some(index) => json!({"type": "ps", "index": index}),
            None => json!({"type": "worker", "index": rank}),
        };
        json!({"cluster": cluster, "task": task, "environment": "cloud"}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use stepwell_model::Distribution;

    use super::*;
    use crate::spec::Launcher;

    fn world(communicator: Communicator, parameter_servers: u32) -> World {
        let several = Several {
            distribution: Distribution {
                communicator,
                parameter_servers,
                parameters: BTreeMap::new(),
            },
            nodes: 2,
            processes_per_node: 2,
            launcher: Launcher::Here,
            mpi: None,
            logs: "/logs".into(),
            expands: true,
        };
        let nodes = vec!["n1".to_owned(), "n2".to_owned()];
        World::new(&several, By::Srun, nodes, 5000)
    }

    #[test]
    fn each_rank_knows_its_place_and_where_the_first_one_is() {
        let world = world(Communicator::PyTorch, 0);
        assert_eq!(world.size(), 4);
        let given = world.variables(3);
        let given = |name: &str| given[name].as_str();
        assert_eq!((given("RANK"), given("WORLD_SIZE")), ("3", "4"));
        assert_eq!((given("LOCAL_RANK"), given("LOCAL_WORLD_SIZE")), ("1", "2"));
        assert_eq!(given("NODE_RANK"), "1");
        assert_eq!((given("MASTER_ADDR"), given("MASTER_PORT")), ("n1", "5000"));
        let others = world.variables(0);
        assert!(!others.contains_key("TF_CONFIG") && !others.contains_key("OMPI_COMM_WORLD_RANK"));
    }

    #[test]
    fn mpi_programs_of_azure_ml_find_what_they_look_for() {
        let given = world(Communicator::Mpi, 9).variables(2);
        assert_eq!(given["OMPI_COMM_WORLD_RANK"], "2");
        assert_eq!(given["OMPI_COMM_WORLD_SIZE"], "4");
        assert_eq!(given["OMPI_COMM_WORLD_LOCAL_RANK"], "0");
        assert_eq!(given["AZ_BATCH_MASTER_NODE"], "n1:5000");
        assert_eq!(given["AZ_BATCHAI_MPI_MASTER_NODE"], "n1");
    }

    #[test]
    fn tensorflow_is_given_who_works_and_who_serves_parameters() {
        let world = world(Communicator::TensorFlow, 1);
        assert_eq!((world.workers(), world.size()), (2, 3));
        let config = |rank| -> serde_json::Value {
            serde_json::from_str(&world.variables(rank)["TF_CONFIG"]).expect("JSON")
        };
        let cluster = json!({"worker": ["n1:5001", "n2:5002"], "ps": ["n1:5003"]});
        assert_eq!(config(1)["cluster"], cluster);
        assert_eq!(config(1)["task"], json!({"type": "worker", "index": 1}));
        assert_eq!(config(2)["task"], json!({"type": "ps", "index": 0}));
        let server = world.variables(2);
        assert_eq!(
            (server["NODE_RANK"].as_str(), server["LOCAL_RANK"].as_str()),
            ("0", "1")
        );
        assert_eq!(server["LOCAL_WORLD_SIZE"], "2");
    }
}
