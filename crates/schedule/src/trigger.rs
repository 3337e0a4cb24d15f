//! What makes a schedule fire: the clock or a change of data. This is its stored form.

use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};
use stepwell_model::Timestamp;

use crate::cron::{Cron, CronError};
use crate::recurrence::{Recurrence, RecurrenceError};
use crate::times::Times;

/// What makes a schedule fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// A recurrence.
    Recurrence(Recurrence),
    /// A cron expression.
    Cron(Cron),
    /// Files that are new or changed.
    Data(DataTrigger),
}

/// A folder that is looked at again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataTrigger {
    /// The datastore.
    pub datastore: String,
    /// The folder on it, with all below; the whole datastore when empty.
    pub path: String,
    /// Minutes between two looks, from 1.
    pub polling_interval: u32,
    /// The parameter that is given the path of what has changed. Without it one run is started for
    /// all that has changed.
    pub data_path_parameter: Option<String>,
}

/// Why something cannot be a trigger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// The recurrence makes no sense.
    #[error(transparent)]
    Recurrence(#[from] RecurrenceError),
    /// The cron expression makes no sense.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The polling interval is out of range.
    #[error("the polling interval is {minutes} minutes; it must be from 1 to 525600 (a year)")]
    Polling {
        /// What was written.
        minutes: u32,
    },
}

impl Trigger {
    /// The times, for a trigger that was set at `made`; `None` when it goes by data.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn times(
        &self,
        made: Timestamp,
        zones: &TimeZoneDatabase,
    ) -> Result<Option<Times>, TriggerError> {
        match self {
            Self::Recurrence(recurrence) => Ok(Some(recurrence.times(made, zones)?)),
            Self::Cron(cron) => Ok(Some(cron.times(made, zones)?)),
            Self::Data(data) if (1..=525_600).contains(&data.polling_interval) => Ok(None),
            Self::Data(data) => Err(TriggerError::Polling {
                minutes: data.polling_interval,
            }),
        }
    }
}
