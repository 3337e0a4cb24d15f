//! Calls about compute targets.

use stepwell_api::{Compute, ComputeList, ComputeSettings};

use super::{Client, Result};

impl Client {
    /// The compute targets, sorted by name.
    pub(crate) fn computes(&self) -> Result<Vec<Compute>> {
        let list: ComputeList = self.get("computes", &[])?;
        Ok(list.computes)
    }

    /// Creates or changes a compute target.
    pub(crate) fn put_compute(&self, name: &str, settings: &ComputeSettings) -> Result<Compute> {
        let path = format!("computes/{name}");
        let request = self.authorized(self.agent.put(self.address(&path)));
        let answer = self.settle(&path, request.send_json(settings))?;
        self.parsed(&path, answer)
    }

    /// Forgets a compute target.
    pub(crate) fn remove_compute(&self, name: &str) -> Result<()> {
        let path = format!("computes/{name}");
        let request = self.authorized(self.agent.delete(self.address(&path)));
        self.settle(&path, request.call()).map(drop)
    }
}
