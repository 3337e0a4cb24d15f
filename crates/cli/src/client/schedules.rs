//! Calls about schedules.

use stepwell_api::{Ledger, LedgerLine, Preview, Schedule, ScheduleChange, ScheduleList};
use uuid::Uuid;

use super::{Client, Result};

/// How many lines or schedules are asked for at a time.
const PAGE: usize = 500;

impl Client {
    /// Every schedule, newest first.
    pub(crate) fn schedules(&self, enabled_only: bool) -> Result<Vec<Schedule>> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = vec![
                ("limit", PAGE.to_string()),
                ("enabled_only", enabled_only.to_string()),
            ];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: ScheduleList = self.get("schedules", &query)?;
            found.extend(page.schedules);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// One schedule.
    pub(crate) fn schedule(&self, id: Uuid) -> Result<Schedule> {
        self.get(&format!("schedules/{id}"), &[])
    }

    /// Lets a schedule fire, or not.
    pub(crate) fn enable_schedule(&self, id: Uuid, enabled: bool) -> Result<Schedule> {
        let change = ScheduleChange {
            enabled: Some(enabled),
            ..ScheduleChange::default()
        };
        self.patch(&format!("schedules/{id}"), &change)
    }

    /// The times of a schedule that come next.
    pub(crate) fn preview(&self, id: Uuid, count: usize) -> Result<Preview> {
        let query = [("count", count.to_string())];
        self.get(&format!("schedules/{id}/preview"), &query)
    }

    /// The newest lines of a schedule's ledger.
    pub(crate) fn ledger(&self, id: Uuid, limit: usize) -> Result<Vec<LedgerLine>> {
        let mut found = Vec::new();
        let mut cursor = None;
        while found.len() < limit {
            let mut query = vec![("limit", PAGE.min(limit - found.len()).to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: Ledger = self.get(&format!("schedules/{id}/ledger"), &query)?;
            found.extend(page.lines);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
