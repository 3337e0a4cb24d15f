//! Recurrences as v1 writes them, checked, and made into times.
//!
//! `Minute` and `Hour` count the passing of time from the start, whatever the clock on the wall
//! does. `Day`, `Week` and `Month` are times on the wall ([`crate::wall`] has the rule for jumps);
//! what is not named is that of the start.
//!
//! Without a start, a recurrence that names no times begins at once, as v1's do; one that names
//! hours, minutes or week days begins with the next of those.

use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};
use stepwell_model::Timestamp;

use crate::times::{Kind, Times};
use crate::wall::{Days, Wall, day_number, week_day};
use crate::zone::{Zone, ZoneError};

/// The unit of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frequency {
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks, from Monday.
    Week,
    /// Months.
    Month,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "their names say it")]
pub enum WeekDay {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// When something happens again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The unit.
    pub frequency: Frequency,
    /// How many units lie between two times, from 1.
    pub interval: u32,
    /// The first time, on the wall in the time zone, as `2026-01-31T09:30:00`.
    pub start_time: Option<String>,
    /// A Windows or IANA name; UTC when absent.
    pub time_zone: Option<String>,
    /// Hours of the day, for `Day` and `Week`.
    pub hours: Option<Vec<u8>>,
    /// Minutes of the hour, for `Day` and `Week`.
    pub minutes: Option<Vec<u8>>,
    /// Days of the week, for `Week`.
    pub week_days: Option<Vec<WeekDay>>,
}

/// Why something is not a recurrence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    /// The interval is out of range.
    #[error("the interval is {interval}; it must be from 1 to {max} for `{frequency:?}`")]
    Interval {
        /// What was written.
        interval: u32,
        /// The most.
        max: u32,
        /// Of which frequency.
        frequency: Frequency,
    },
    /// A field that this frequency does not have.
    #[error("`{field}` can only be given when the frequency is {allowed}")]
    Field {
        /// The field.
        field: &'static str,
        /// The frequencies that have it.
        allowed: &'static str,
    },
    /// An hour or a minute that no clock has, or none at all.
    #[error("`{field}` must name at least one number from 0 to {max}, and no other")]
    Numbers {
        /// The field.
        field: &'static str,
        /// The highest.
        max: u8,
    },
    /// No day of the week is named.
    #[error("`week_days` must name at least one day of the week")]
    NoWeekDay,
    /// The start is not a time.
    #[error("the start time `{text}` is not a time as `2026-01-31T09:30:00`, without a zone")]
    Start {
        /// What was written.
        text: String,
    },
    /// The zone is unknown.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

impl Frequency {
    /// The largest interval: about a hundred years.
    const fn interval_max(self) -> u32 {
        match self {
            Self::Minute => 52_560_000,
            Self::Hour => 876_000,
            Self::Day => 36_500,
            Self::Week => 5_200,
            Self::Month => 1_200,
        }
    }
}

impl Recurrence {
    /// The times, for a schedule that was made at `made`.
    ///
    /// # Errors
    /// When the recurrence makes no sense; the error says what.
    pub fn times(
        &self,
        made: Timestamp,
        zones: &TimeZoneDatabase,
    ) -> Result<Times, RecurrenceError> {
        self.check()?;
        let zone = Zone::find(zones, self.time_zone.as_deref())?;
        let start = self.start()?;
        let anchor = match start {
            Some(start) => start,
            None => on_the_wall(&zone, made),
        };
        let named = self.hours.is_some() || self.minutes.is_some() || self.week_days.is_some();
        let kind = match self.frequency {
            Frequency::Minute | Frequency::Hour => {
                let unit = if self.frequency == Frequency::Minute {
                    60_000
                } else {
                    3_600_000
                };
                Kind::Elapsed {
                    first_ms: start.map_or(whole_second(made), |start| moment(&zone, start)),
                    step_ms: i64::from(self.interval) * unit,
                }
            }
            _ => Kind::Wall(Wall {
                days: self.days(anchor),
                minutes: self.day_minutes(anchor),
            }),
        };
        let from = match start {
            Some(start) => moment(
                &zone,
                start
                    .with()
                    .second(0)
                    .subsec_nanosecond(0)
                    .build()
                    .unwrap_or(start),
            ),
            None if named => made.as_millis(),
            // The anchor itself is the first time; it may lie up to a minute back.
            None => made.as_millis() - 60_000,
        };
        Ok(Times::new(
            kind,
            zone,
            Timestamp::from_millis(from),
            start.is_none() && !named,
        ))
    }

    fn check(&self) -> Result<(), RecurrenceError> {
        let max = self.frequency.interval_max();
        if self.interval == 0 || self.interval > max {
            return Err(RecurrenceError::Interval {
                interval: self.interval,
                max,
                frequency: self.frequency,
            });
        }
        let (hours, minutes) = (self.hours.as_deref(), self.minutes.as_deref());
        let timed = matches!(self.frequency, Frequency::Day | Frequency::Week);
        for (field, given, max) in [("hours", hours, 23), ("minutes", minutes, 59)] {
            let Some(given) = given else { continue };
            if !timed {
                let allowed = "`Day` or `Week`";
                return Err(RecurrenceError::Field { field, allowed });
            }
            if given.is_empty() || given.iter().any(|number| *number > max) {
                return Err(RecurrenceError::Numbers { field, max });
            }
        }
        match &self.week_days {
            Some(_) if self.frequency != Frequency::Week => Err(RecurrenceError::Field {
                field: "week_days",
                allowed: "`Week`",
            }),
            Some(days) if days.is_empty() => Err(RecurrenceError::NoWeekDay),
            _ => Ok(()),
        }
    }

    fn start(&self) -> Result<Option<DateTime>, RecurrenceError> {
        let Some(text) = &self.start_time else {
            return Ok(None);
        };
        let parsed = parse_start(text).map(Some);
        parsed.ok_or_else(|| RecurrenceError::Start { text: text.clone() })
    }

    fn days(&self, anchor: DateTime) -> Days {
        let (first, interval) = (day_number(anchor.date()), i64::from(self.interval));
        match self.frequency {
            Frequency::Week => Days::Weeks {
                first,
                interval,
                week_days: match &self.week_days {
                    Some(days) => days.iter().fold(0, |bits, day| bits | 1 << (*day as u8)),
                    None => 1 << week_day(first),
                },
            },
            Frequency::Month => Days::Months {
                first,
                interval,
                day: anchor.day(),
            },
            _ => Days::Every { first, interval },
        }
    }

    /// Every named minute of every named hour.
    fn day_minutes(&self, anchor: DateTime) -> Vec<i64> {
        let hours = match &self.hours {
            Some(hours) => hours.iter().copied().map(i64::from).collect(),
            None => vec![i64::from(anchor.hour())],
        };
        let minutes = match (&self.minutes, &self.hours, &self.start_time) {
            (Some(minutes), ..) => minutes.iter().copied().map(i64::from).collect(),
            // Nine o'clock is nine sharp, unless a start says otherwise.
            (None, Some(_), None) => vec![0],
            (None, ..) => vec![i64::from(anchor.minute())],
        };
        let mut all: Vec<i64> = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A time on the wall, without a zone.
fn parse_start(text: &str) -> Option<DateTime> {
    // A zone or offset in the text would be dropped in silence.
    let plain =
        text.is_ascii() && text.len() >= 10 && !text[10..].contains(['Z', 'z', '+', '-', '[']);
    text.parse::<DateTime>().ok().filter(|_| plain)
}

/// The moment of a start time that is written without a zone.
pub(crate) fn start_moment(text: &str, zone: &Zone) -> Option<Timestamp> {
    parse_start(text).map(|start| Timestamp::from_millis(moment(zone, start)))
}

/// What the clock of a zone shows at a moment.
fn on_the_wall(zone: &Zone, at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    zone.rules().to_datetime(instant)
}

/// The moment of a time on the wall; of the jump, should the clock skip it.
fn moment(zone: &Zone, wall: DateTime) -> i64 {
    let rules = zone.rules();
    let ambiguous = rules.to_ambiguous_timestamp(wall);
    let found = match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Gap { .. } => ambiguous
            .earlier()
            .ok()
            .and_then(|before| rules.following(before).next())
            .map(|change| change.timestamp()),
        _ => ambiguous.earlier().ok(),
    };
    found.map_or(i64::MAX, jiff::Timestamp::as_millisecond)
}

fn whole_second(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000) * 1_000
}
