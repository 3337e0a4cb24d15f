//! The times of a schedule: an endless ordered list, of which one asks for the next.

use stepwell_model::Timestamp;

use crate::wall::{Note, Wall};
use crate::zone::Zone;

/// The times of a recurrence or a cron expression.
#[derive(Debug, Clone)]
pub struct Times {
    kind: Kind,
    zone: Zone,
    /// Nothing is earlier.
    from: Timestamp,
    /// Whether the first time is the moment the schedule was made.
    at_once: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every so many milliseconds from a first moment.
    Elapsed { first_ms: i64, step_ms: i64 },
    /// Times on the wall.
    Wall(Wall),
}

/// One time of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// The moment: the *logical time*, by which a firing is known.
    pub at: Timestamp,
    /// What the recurrence says, as the clock of the zone would show it (seconds since 1970 there).
    /// It differs from the moment's own showing only in a gap.
    pub wall_s: i64,
    /// Whether the clock jumps there.
    pub note: Note,
}

impl Times {
    pub(crate) fn new(kind: Kind, zone: Zone, from: Timestamp, at_once: bool) -> Self {
        Self {
            kind,
            zone,
            from,
            at_once,
        }
    }

    /// The zone of the times.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// After which moment a schedule that is made at `made` counts: before its first time, but not
    /// before what has passed already.
    #[must_use]
    pub fn begin(&self, made: Timestamp) -> Timestamp {
        if self.at_once {
            Timestamp::from_millis(self.from.as_millis() - 1)
        } else {
            made
        }
    }

    /// The first time later than a moment; `None` when there is none in the next sixty years.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Time> {
        // `from` itself may be a time.
        let after = after.as_millis().max(self.from.as_millis() - 1);
        match &self.kind {
            Kind::Elapsed { first_ms, step_ms } => {
                let passed = after.checked_sub(*first_ms)?;
                let steps = if passed < 0 { 0 } else { passed / step_ms + 1 };
                let at = first_ms.checked_add(steps.checked_mul(*step_ms)?)?;
                let instant = jiff::Timestamp::from_millisecond(at).ok()?;
                let offset = self.zone.rules().to_offset(instant);
                Some(Time {
                    at: Timestamp::from_millis(at),
                    wall_s: at.div_euclid(1_000) + i64::from(offset.seconds()),
                    note: Note::Plain,
                })
            }
            Kind::Wall(wall) => {
                let found = wall.next_after(self.zone.rules(), after.div_euclid(1_000))?;
                Some(Time {
                    at: Timestamp::from_millis(found.at * 1_000),
                    wall_s: found.wall * 60,
                    note: found.note,
                })
            }
        }
    }
}
