//! Compute targets: what each is. Its kind decides which executor runs its steps, and how many at
//! once unless its owner says so.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::isolation::{Isolation, IsolationError};
use crate::ray::RayTarget;
use crate::slurm::SlurmTarget;
use crate::warm::WarmStarts;

/// What a compute target is, with settings that were checked when it was registered.
///
/// A new kind is one more variant with its settings, a word in [`ComputeKind::parse`], and an
/// executor of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ComputeKind {
    /// The server's own machine, whatever kind of Azure ML's a program has created it as.
    Local(WarmStarts),
    /// The same machine, where each step sees a part of the file system only.
    Isolated(Isolation),
    /// A partition of a Slurm cluster.
    Slurm(SlurmTarget),
    /// A Ray cluster.
    Ray(RayTarget),
}

impl Default for ComputeKind {
    fn default() -> Self {
        Self::Local(WarmStarts::default())
    }
}

/// Which executor runs the steps of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExecutorKind {
    /// Processes of the server's own machine.
    Local,
    /// Jobs of a Slurm cluster.
    Slurm,
    /// Jobs of a Ray cluster.
    Ray,
}

/// Why a compute target cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// The word stands for no kind.
    #[error("there is no kind of compute target `{kind}`")]
    Unknown {
        /// The word.
        kind: String,
    },
    /// Its isolation does not fit.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The settings do not fit the kind.
    #[error("the settings of a compute target of kind `{kind}`: {fault}")]
    Settings {
        /// The kind.
        kind: &'static str,
        /// What is wrong with them.
        fault: String,
    },
}

/// The words for targets of Azure ML. One is the server's own machine unless its settings name
/// what backs it.
const AZURE_KINDS: [&str; 12] = [
    "AKS",
    "AmlCompute",
    "Batch",
    "ComputeInstance",
    "DataFactory",
    "DataLakeAnalytics",
    "Databricks",
    "HDInsight",
    "Kubernetes",
    "Kusto",
    "SynapseSpark",
    "VirtualMachine",
];

impl ComputeKind {
    /// How many processes of one step may be on the server's own machine.
    const PROCESSES_MAX: u32 = 256;

    /// The word for the server's own machine.
    pub const LOCAL: &str = "local";

    /// The word for a partition of a Slurm cluster.
    pub const SLURM: &str = "slurm";

    /// The word for a Ray cluster.
    pub const RAY: &str = "ray";

    /// The words for clusters, which may back a target of Azure ML's.
    const CLUSTERS: [&str; 2] = [Self::SLURM, Self::RAY];

    /// The setting of a target of Azure ML's that says what it is: an object with a `kind`, and the
    /// settings of that kind.
    pub const BACKING: &str = "backing";

    /// The kind of a word, with the settings that a target is registered with.
    ///
    /// # Errors
    /// When the word is not known, or its settings do not fit.
    pub fn parse(word: &str, settings: &Value) -> Result<Self, ComputeError> {
        let is_here = word == Self::LOCAL || Self::is_azures(word);
        if let Some(Value::Object(backing)) = settings.get(Self::BACKING)
            && Self::is_azures(word)
        {
            return Self::backed(backing.clone());
        }
        let of_settings = |kind| move |fault| ComputeError::Settings { kind, fault };
        match word {
            Self::SLURM => SlurmTarget::parse(settings)
                .map(Self::Slurm)
                .map_err(of_settings(Self::SLURM)),
            Self::RAY => RayTarget::parse(settings)
                .map(Self::Ray)
                .map_err(of_settings(Self::RAY)),
            _ if is_here => Self::here(settings),
            word => Err(ComputeError::Unknown {
                kind: word.to_owned(),
            }),
        }
    }

    /// This machine, with the settings of a target on it.
    fn here(settings: &Value) -> Result<Self, ComputeError> {
        let warm = WarmStarts::of_settings(settings).map_err(|fault| {
            let kind = Self::LOCAL;
            ComputeError::Settings { kind, fault }
        })?;
        // Isolated steps start cold, whatever is said of that.
        Ok(match Isolation::of_settings(settings)? {
            Some(isolation) => Self::Isolated(isolation),
            None => Self::Local(warm),
        })
    }

    /// What backs a target of Azure ML's: a kind, with its settings.
    fn backed(mut backing: serde_json::Map<String, Value>) -> Result<Self, ComputeError> {
        let kind = backing.remove("kind").unwrap_or_default();
        let kind = kind.as_str().unwrap_or(Self::LOCAL);
        match Self::is_azures(kind) {
            true => Ok(Self::default()),
            false => Self::parse(kind, &Value::Object(backing)),
        }
    }

    /// Whether the word is a kind of Azure ML's, as programs create them.
    #[must_use]
    pub fn is_azures(word: &str) -> bool {
        AZURE_KINDS.contains(&word)
    }

    /// The settings of a target that a program creates as one of Azure ML's, where one of that name
    /// is registered: what backs it stays as its owner has decided.
    #[must_use]
    pub fn keep_backing(mut settings: Value, word: &str, registered: &Value) -> Value {
        let backing = match (word, registered) {
            (word, Value::Object(own)) if Self::CLUSTERS.contains(&word) => {
                let mut backing = own.clone();
                backing.insert("kind".to_owned(), word.into());
                Value::Object(backing)
            }
            (word, _) if Self::CLUSTERS.contains(&word) => serde_json::json!({"kind": word}),
            _ => match registered.get(Self::BACKING) {
                Some(backing) => backing.clone(),
                None => return Self::keep_local(settings, registered),
            },
        };
        if settings.is_null() {
            settings = Value::Object(serde_json::Map::new());
        }
        if let Value::Object(settings) = &mut settings {
            settings.entry(Self::BACKING).or_insert(backing);
        }
        settings
    }

    /// The same for a target on this machine: how its steps start and what they may reach, which no
    /// program of Azure ML's can say.
    fn keep_local(mut settings: Value, registered: &Value) -> Value {
        for name in [WarmStarts::SETTING, WarmStarts::IMPORTS, Isolation::SETTING] {
            let Some(own) = registered.get(name) else {
                continue;
            };
            if settings.is_null() {
                settings = Value::Object(serde_json::Map::new());
            }
            if let Value::Object(settings) = &mut settings {
                settings.entry(name).or_insert_with(|| own.clone());
            }
        }
        settings
    }

    /// The words that [`Self::parse`] knows.
    #[must_use]
    pub fn words() -> Vec<&'static str> {
        [Self::LOCAL]
            .into_iter()
            .chain(Self::CLUSTERS)
            .chain(AZURE_KINDS)
            .collect()
    }

    /// Which executor runs its steps.
    #[must_use]
    pub const fn executor(&self) -> ExecutorKind {
        match self {
            Self::Local(_) | Self::Isolated(_) => ExecutorKind::Local,
            Self::Slurm(_) => ExecutorKind::Slurm,
            Self::Ray(_) => ExecutorKind::Ray,
        }
    }

    /// Whether it is the server's own machine.
    #[must_use]
    pub const fn is_here(&self) -> bool {
        matches!(self, Self::Local(_) | Self::Isolated(_))
    }

    /// What its steps see of the file system, if that is not all.
    #[must_use]
    pub const fn isolation(&self) -> Option<&Isolation> {
        match self {
            Self::Isolated(isolation) => Some(isolation),
            Self::Local(_) | Self::Slurm(_) | Self::Ray(_) => None,
        }
    }

    /// What is said of the warm starts of its steps; `None` where none starts warm anyway.
    #[must_use]
    pub const fn warm_starts(&self) -> Option<&WarmStarts> {
        match self {
            Self::Local(warm) => Some(warm),
            Self::Isolated(_) | Self::Slurm(_) | Self::Ray(_) => None,
        }
    }

    /// How many steps may run on it at once unless its owner says so; `cores` are those of the
    /// server's machine.
    #[must_use]
    pub const fn default_slots(&self, cores: u32) -> u32 {
        match self {
            Self::Local(_) | Self::Isolated(_) => cores,
            Self::Slurm(_) => SlurmTarget::DEFAULT_SLOTS,
            Self::Ray(_) => RayTarget::DEFAULT_SLOTS,
        }
    }

    /// What is asked for an attempt whose task has workers of its own: on a cluster that lets its
    /// program start processes on other nodes, the nodes and a core for each of them.
    #[must_use]
    pub fn needs(
        &self,
        resources: crate::Resources,
        spread: Option<crate::Spread>,
    ) -> crate::Resources {
        match (self, spread) {
            (Self::Slurm(_), Some(spread)) => crate::Resources {
                nodes: spread.nodes,
                processes_per_node: spread.per_node.unwrap_or(1),
                ..resources
            },
            (Self::Ray(target), Some(spread)) if spread.nodes > 1 => crate::Resources {
                nodes: spread.nodes,
                cores: resources.cores.or(target.cores).or(spread.per_node),
                ..resources
            },
            _ => resources,
        }
    }

    /// Why an attempt that needs these resources can never run on it; `None` if it can. One that
    /// `is_several` processes has those of all its nodes on one machine.
    #[must_use]
    pub fn refuses(&self, resources: &crate::Resources, is_several: bool) -> Option<String> {
        match self {
            Self::Local(_) | Self::Isolated(_) if resources.nodes > 1 && !is_several => {
                Some(format!(
                    "it needs {} nodes, and the target is one machine",
                    resources.nodes
                ))
            }
            Self::Local(_) | Self::Isolated(_) if resources.processes() > Self::PROCESSES_MAX => {
                let (asked, most) = (resources.processes(), Self::PROCESSES_MAX);
                Some(format!(
                    "it is {asked} processes, and one machine has {most} of a step at most"
                ))
            }
            // A cluster is asked what it has.
            Self::Local(_) | Self::Isolated(_) | Self::Slurm(_) | Self::Ray(_) => None,
        }
    }
}

impl ExecutorKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Slurm => "slurm",
            Self::Ray => "ray",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Resources, Spread};

    #[test]
    fn azures_kinds_are_this_machine_and_unknown_ones_are_refused() {
        for word in AZURE_KINDS {
            let kind = ComputeKind::parse(word, &Value::Null);
            assert_eq!(kind, Ok(ComputeKind::default()));
        }
        let error = ComputeKind::parse("slrum", &Value::Null).expect_err("no kind");
        assert_eq!(
            error.to_string(),
            "there is no kind of compute target `slrum`"
        );
    }

    #[test]
    fn workers_have_nodes_of_their_own_where_they_can_be_placed_on_them() {
        let spread = Spread {
            nodes: 3,
            per_node: Some(2),
        };
        let asked = Resources {
            gpus: 1,
            ..Resources::default()
        };
        let slurm = ComputeKind::parse("slurm", &Value::Null).expect("a target");
        let needs = slurm.needs(asked, Some(spread));
        assert_eq!(
            (needs.nodes, needs.processes_per_node, needs.gpus),
            (3, 2, 1)
        );
        assert_eq!(slurm.needs(asked, None), asked);
        let cluster = json!({"address": "http://head:8265"});
        let ray = ComputeKind::parse("ray", &cluster).expect("a target");
        let needs = ray.needs(asked, Some(spread));
        assert_eq!((needs.nodes, needs.cores, needs.gpus), (3, Some(2), 1));
        let one = Spread { nodes: 1, ..spread };
        assert_eq!(ray.needs(asked, Some(one)), asked);
        assert_eq!(ComputeKind::default().needs(asked, Some(spread)), asked);
    }

    #[test]
    fn what_a_program_creates_as_azures_stays_what_its_owner_made_it() {
        let partition = json!({"partition": "gpu"});
        let slurm = ComputeKind::parse("slurm", &partition).expect("a target");
        assert_eq!(slurm.executor(), ExecutorKind::Slurm);
        let asked = json!({"vm_size": "STANDARD_NC6"});
        let first = ComputeKind::keep_backing(asked.clone(), "slurm", &partition);
        assert_eq!(first["vm_size"], "STANDARD_NC6");
        assert_eq!(ComputeKind::parse("AmlCompute", &first), Ok(slurm.clone()));
        let again = ComputeKind::keep_backing(asked.clone(), "AmlCompute", &first);
        assert_eq!(ComputeKind::parse("AmlCompute", &again), Ok(slurm));
        let cluster = json!({"address": "http://head:8265"});
        let ray = ComputeKind::keep_backing(asked.clone(), "ray", &cluster);
        let ray = ComputeKind::parse("AmlCompute", &ray).expect("a target");
        assert_eq!(ray.executor(), ExecutorKind::Ray);
        let bare = ComputeKind::keep_backing(Value::Null, "slurm", &Value::Null);
        let kind = ComputeKind::parse("AmlCompute", &bare).expect("a target");
        assert_eq!(kind.executor(), ExecutorKind::Slurm);
        let local = ComputeKind::keep_backing(asked.clone(), "local", &Value::Null);
        assert_eq!(local, asked);
        let alone = json!({"isolation": {"readable": ["/data"]}});
        let isolated = ComputeKind::keep_backing(asked, "local", &alone);
        let kind = ComputeKind::parse("AmlCompute", &isolated).expect("a target");
        assert!(kind.isolation().is_some());
    }

    #[test]
    fn how_steps_of_this_machine_start_is_kept_and_read_as_it_was_before() {
        let off = json!({"warm": "off", "warm_imports": ["torch"]});
        let settings = ComputeKind::keep_backing(json!({"vm_size": "X"}), "local", &off);
        let kind = ComputeKind::parse("AmlCompute", &settings).expect("this machine");
        let warm = kind.warm_starts().expect("of this machine");
        assert!(warm.off && warm.imports == ["torch"]);
        assert_eq!(
            serde_json::to_value(ComputeKind::default()).ok(),
            Some(json!({"kind": "local"}))
        );
        let stored: Result<ComputeKind, _> = serde_json::from_value(json!({"kind": "local"}));
        assert_eq!(stored.ok(), Some(ComputeKind::default()));
        let error = ComputeKind::parse("local", &json!({"warm": "cold"})).expect_err("no word");
        assert!(error.to_string().contains("it is `on` or `off`"), "{error}");
    }

    #[test]
    fn one_machine_is_one_node() {
        let nodes = |nodes| Resources {
            nodes,
            ..Resources::default()
        };
        assert_eq!(ComputeKind::default().refuses(&nodes(1), false), None);
        assert_eq!(ComputeKind::default().refuses(&nodes(4), true), None);
        let refusal = ComputeKind::default().refuses(&nodes(4), false);
        assert!(refusal.is_some_and(|text| text.contains("4 nodes")));
        let refusal = ComputeKind::default().refuses(&nodes(u32::MAX), true);
        assert!(refusal.is_some_and(|text| text.contains("256 of a step at most")));
    }
}
