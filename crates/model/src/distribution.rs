//! A program that is several processes: how they find each other, and how many there are. How many
//! nodes and processes is part of what a step needs ([`Resources`]); pipeline parameters may say it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Resources;

/// The processes of a program that is several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// How they find each other.
    pub communicator: Communicator,
    /// How many more serve the parameters of TensorFlow. Each node has one worker then.
    #[serde(default)]
    pub parameter_servers: u32,
    /// The counts that pipeline parameters give, by the parameter's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<Count, String>,
}

/// How the processes of a program find each other. Each has its rank in variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Communicator {
    /// By MPI, where the step's environment has it; else by variables.
    Mpi,
    /// By the address of the first one: `MASTER_ADDR`, `RANK`, `WORLD_SIZE`.
    PyTorch,
    /// By a list of all: `TF_CONFIG`.
    TensorFlow,
    /// Not at all.
    Independent,
}

/// A count that a pipeline parameter may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// The nodes.
    Nodes,
    /// The processes of each node.
    ProcessesPerNode,
    /// The processes that serve parameters.
    ParameterServers,
}

impl Distribution {
    /// Takes the counts that pipeline parameters give, and sees what the processes need of a node.
    ///
    /// # Errors
    /// What is wrong with a value, in words.
    pub fn bind(
        &mut self,
        values: &BTreeMap<String, String>,
        resources: &mut Resources,
    ) -> Result<(), String> {
        for (count, parameter) in &self.parameters {
            let least = u32::from(*count != Count::ParameterServers);
            let text = values.get(parameter).map_or("", String::as_str);
            let value = text.trim().parse().ok().filter(|value| *value >= least);
            let value: u32 = value.ok_or_else(|| {
                format!(
                    "the parameter `{parameter}` is `{text}`, and it counts {}: it must be a whole \
                     number from {least} on",
                    count.in_words()
                )
            })?;
            match count {
                Count::Nodes => resources.nodes = value,
                Count::ProcessesPerNode => resources.processes_per_node = value,
                Count::ParameterServers => self.parameter_servers = value,
            }
        }
        if self.communicator == Communicator::TensorFlow {
            let serve = self.parameter_servers.div_ceil(resources.nodes.max(1));
            resources.processes_per_node = serve.saturating_add(1);
        }
        Ok(())
    }

    /// How many processes there are.
    #[must_use]
    pub const fn processes(&self, resources: &Resources) -> u32 {
        match self.communicator {
            Communicator::TensorFlow => resources.nodes.saturating_add(self.parameter_servers),
            _ => resources.processes(),
        }
    }
}

impl Count {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::ProcessesPerNode => "the processes of each node",
            Self::ParameterServers => "the processes that serve parameters",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(communicator: Communicator) -> Distribution {
        Distribution {
            communicator,
            parameter_servers: 1,
            parameters: BTreeMap::from([(Count::Nodes, "nodes".to_owned())]),
        }
    }

    #[test]
    fn a_parameter_gives_the_number_of_nodes() {
        let mut resources = Resources {
            processes_per_node: 2,
            ..Resources::default()
        };
        let mut mpi = distribution(Communicator::Mpi);
        let values = |text: &str| BTreeMap::from([("nodes".to_owned(), text.to_owned())]);
        mpi.bind(&values("3"), &mut resources).expect("a count");
        assert_eq!((resources.nodes, mpi.processes(&resources)), (3, 6));
        for wrong in ["0", "two", "", "-1", "1.5"] {
            let refused = mpi.bind(&values(wrong), &mut resources).expect_err(wrong);
            assert!(refused.contains("it counts nodes"), "{refused}");
        }
    }

    #[test]
    fn servers_of_parameters_are_beside_the_workers() {
        let mut resources = Resources::default();
        let mut tensorflow = distribution(Communicator::TensorFlow);
        tensorflow.parameter_servers = 3;
        let values = BTreeMap::from([("nodes".to_owned(), "2".to_owned())]);
        tensorflow.bind(&values, &mut resources).expect("a count");
        assert_eq!(resources.processes_per_node, 3);
        assert_eq!(tensorflow.processes(&resources), 5);
    }
}
