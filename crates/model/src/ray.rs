//! A compute target that is a Ray cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Resources;
use crate::address::{check_token_file, normal};

/// Which cluster, and what each step takes of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RayTarget {
    /// The address of its Jobs API, which is that of its dashboard: `http://head:8265`.
    pub address: String,
    /// The cores of a step that does not ask for any; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// What else each step takes of the resources that the cluster's nodes were started with, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, u32>,
    /// The file with the token of a cluster that asks for one, on the server's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
}

/// The names of Ray's own resources, which a step asks for by other ways.
const TAKEN: [&str; 4] = ["CPU", "GPU", "memory", "object_store_memory"];

impl RayTarget {
    /// How many steps may be with the cluster at once unless the target's owner says so. Each that
    /// waits or runs is a process of Ray's beside its own, and what waits is watched on the head node.
    pub const DEFAULT_SLOTS: u32 = 200;

    /// The target of such settings, or what is wrong with them.
    pub(crate) fn parse(settings: &Value) -> Result<Self, String> {
        if settings.get("address").is_none() {
            return Err("`address` is missing: where its dashboard is, `http://HEAD:8265`".into());
        }
        let mut target: Self =
            serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        target.address = normal("address", &target.address, 8265)?;
        if target.cores == Some(0) {
            return Err("`cores` is 0: a step takes one at least".to_owned());
        }
        for (name, amount) in &target.resources {
            if TAKEN.contains(&name.as_str()) {
                return Err(format!(
                    "`resources` has `{name}`, which a step asks for itself"
                ));
            }
            if name.is_empty() || name.chars().any(char::is_whitespace) || *amount == 0 {
                return Err(format!("`resources` has `{name}` = {amount}"));
            }
        }
        target
            .token_file
            .as_deref()
            .map_or(Ok(()), check_token_file)?;
        Ok(target)
    }

    /// The cores that a step with these needs takes.
    #[must_use]
    pub fn cores_of(&self, needs: &Resources) -> u32 {
        needs.cores.or(self.cores).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_with_what_each_step_takes() {
        let settings = json!({"address": "http://head:8265/", "resources": {"worker": 1}});
        let target = RayTarget::parse(&settings).expect("settings");
        assert_eq!(target.address, "http://head:8265");
        assert_eq!(target.cores_of(&Resources::default()), 1);
        let needs = Resources {
            cores: Some(3),
            ..Resources::default()
        };
        assert_eq!(target.cores_of(&needs), 3);
        assert_eq!(
            serde_json::to_value(&target).expect("JSON"),
            json!({"address": "http://head:8265", "resources": {"worker": 1}})
        );
    }

    #[test]
    fn what_is_no_cluster_is_refused() {
        let at = |more: Value| {
            let mut settings = json!({"address": "http://head:8265"});
            let more = more.as_object().cloned().unwrap_or_default();
            settings.as_object_mut().expect("an object").extend(more);
            settings
        };
        for (settings, expected) in [
            (Value::Null, "`address` is missing"),
            (json!({"address": "head:8265"}), "write it as"),
            (json!({"address": "ray://head:10001"}), "write it as"),
            (json!({"address": "http://me:pw@head"}), "write it as"),
            (at(json!({"cores": 0})), "one at least"),
            (at(json!({"resources": {"CPU": 2}})), "asks for itself"),
            (at(json!({"resources": {"a": 0}})), "`a` = 0"),
            (at(json!({"token_file": "token"})), "no absolute path"),
            (at(json!({"adress": "x"})), "unknown field `adress`"),
        ] {
            let fault = RayTarget::parse(&settings).expect_err("refused");
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
