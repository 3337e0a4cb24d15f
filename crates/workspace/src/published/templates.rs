//! Parsed templates, kept so that starting a run reads and parses nothing.
//!
//! Invariant: what is kept equals what is stored. A template never changes; when a pipeline's status
//! changes, [`Templates::forget`] is called, and only this server changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stepwell_model::Template;
use stepwell_store::published::{self, Published};
use uuid::Uuid;

use crate::core::Core;
use crate::{Error, Result, sdk};

/// How many steps all kept templates may have together; a step takes about two kilobytes.
const STEPS_MAX: usize = 20_000;

/// A published pipeline that is ready to be started.
#[derive(Debug)]
pub struct Ready {
    /// Its row.
    pub published: Published,
    /// Its steps, with its parameters open.
    pub template: Template,
}

/// The templates that were used lately.
#[derive(Debug, Default)]
pub(crate) struct Templates(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    ready: HashMap<Uuid, (Arc<Ready>, u64)>,
    /// Counts uses, to know which was used least lately.
    uses: u64,
    /// Counts changes, so that what was read before one is not kept after it.
    changes: u64,
}

impl Templates {
    /// The pipeline, from memory or from the database.
    pub(crate) async fn get(&self, core: &Core, pipeline: Uuid) -> Result<Arc<Ready>> {
        let changes = {
            let mut kept = self.kept();
            if let Some(ready) = kept.find(pipeline) {
                return Ok(ready);
            }
            kept.changes
        };
        let read = move |db: &stepwell_store::Connection| {
            let found = published::find(db, pipeline)?;
            Ok(found.zip(published::template(db, pipeline)?))
        };
        let Some((published, template)) = core.store.read(read).await? else {
            return Err(no_pipeline(pipeline));
        };
        if let Some(path) = &template.sdk_path {
            sdk::link(&core.folder, path)?;
        }
        let ready = Arc::new(Ready {
            published,
            template,
        });
        let mut kept = self.kept();
        if kept.changes == changes {
            kept.keep(pipeline, Arc::clone(&ready));
        }
        Ok(ready)
    }

    /// Reads the pipeline anew the next time.
    pub(crate) fn forget(&self, pipeline: Uuid) {
        let mut kept = self.kept();
        kept.changes += 1;
        kept.ready.remove(&pipeline);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, pipeline: Uuid) -> Option<Arc<Ready>> {
        self.uses += 1;
        let (ready, used) = self.ready.get_mut(&pipeline)?;
        *used = self.uses;
        Some(Arc::clone(ready))
    }

    fn keep(&mut self, pipeline: Uuid, ready: Arc<Ready>) {
        self.ready.insert(pipeline, (ready, self.uses));
        while self.ready.len() > 1 && self.steps() > STEPS_MAX {
            let oldest = self.ready.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                return;
            };
            self.ready.remove(&oldest);
        }
    }

    fn steps(&self) -> usize {
        let ready = self.ready.values();
        ready.map(|(ready, _)| ready.template.steps.len() + 1).sum()
    }
}

/// The answer that there is no such pipeline.
pub(crate) fn no_pipeline(pipeline: Uuid) -> Error {
    Error::not_found(format!("there is no published pipeline {pipeline}"))
        .hint("`stepwell published` lists them")
}
