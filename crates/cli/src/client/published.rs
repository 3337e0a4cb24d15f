//! The calls about published pipelines, one method each.

use serde_json::json;
use stepwell_api::{
    EndpointList, PipelineEndpoint, PublishedChange, PublishedList, PublishedPipeline,
    PublishedStatus, Run, SubmitPublished,
};
use uuid::Uuid;

use super::{Client, Result};

/// How many are asked for at a time.
const PAGE: usize = 500;

impl Client {
    /// All published pipelines, newest first.
    pub(crate) fn published(&self, active_only: bool) -> Result<Vec<PublishedPipeline>> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page: PublishedList = self.get("published", &query(active_only, cursor))?;
            found.extend(page.pipelines);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// One published pipeline.
    pub(crate) fn published_pipeline(&self, id: Uuid) -> Result<PublishedPipeline> {
        self.get(&format!("published/{id}"), &[])
    }

    /// Lets a published pipeline be started, or not.
    pub(crate) fn set_published_status(
        &self,
        id: Uuid,
        status: PublishedStatus,
    ) -> Result<PublishedPipeline> {
        self.patch(&format!("published/{id}"), &PublishedChange { status })
    }

    /// Starts a run of a published pipeline; with the same key it is started once.
    pub(crate) fn submit_published(
        &self,
        id: Uuid,
        body: &SubmitPublished,
        key: &str,
    ) -> Result<Run> {
        self.post_once(&format!("published/{id}/submit"), &json!(body), key)
    }

    /// All endpoints, newest first.
    pub(crate) fn endpoints(&self, active_only: bool) -> Result<Vec<PipelineEndpoint>> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page: EndpointList = self.get("endpoints", &query(active_only, cursor))?;
            found.extend(page.endpoints);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

fn query(active_only: bool, cursor: Option<String>) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("limit", PAGE.to_string()),
        ("active_only", active_only.to_string()),
    ];
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    query
}
