//! Cron expressions: five fields, as every Unix has them.
//!
//! Names of months and days, ranges, lists, steps, `@daily` and its like; a day fits when one of
//! the two day fields fits, if both are restricted. The evaluation is not left to a library,
//! because cron and v1's recurrences must mean the same where the clock jumps: both are
//! [`crate::wall`] patterns.

use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};
use stepwell_model::Timestamp;

use crate::times::{Kind, Times};
use crate::wall::{CronDays, Days, Wall};
use crate::zone::{Zone, ZoneError};

/// A cron expression in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// `minute hour day-of-month month day-of-week`.
    pub expression: String,
    /// A Windows or IANA name; UTC when absent.
    pub time_zone: Option<String>,
    /// Nothing before this time on the wall, as `2026-01-31T09:30:00`.
    pub start_time: Option<String>,
}

/// Why a text is not a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// There are more or fewer than five fields.
    #[error(
        "`{expression}` has {found} fields; a cron expression has five: minute, hour, day of the \
         month, month, day of the week"
    )]
    Fields {
        /// What was written.
        expression: String,
        /// How many fields it has.
        found: usize,
    },
    /// A shorthand that is not known.
    #[error(
        "`{expression}` is not one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"
    )]
    Shorthand {
        /// What was written.
        expression: String,
    },
    /// One field cannot be read.
    #[error("`{text}` cannot be the {field} of a cron expression: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What was written.
        text: String,
        /// Why not.
        reason: String,
    },
    /// No day fits.
    #[error("`{expression}` never comes: no month that it names has such a day")]
    Never {
        /// What was written.
        expression: String,
    },
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

/// What a field may hold.
struct Field {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEK_DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        min: 0,
        max: 59,
        names: &[],
    },
    Field {
        name: "hour",
        min: 0,
        max: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        min: 1,
        max: 31,
        names: &[],
    },
    Field {
        name: "month",
        min: 1,
        max: 12,
        names: MONTHS,
    },
    // 0 and 7 are both Sunday.
    Field {
        name: "day of the week",
        min: 0,
        max: 7,
        names: WEEK_DAYS,
    },
];

impl Cron {
    /// The times, for a schedule that was made at `made`.
    ///
    /// # Errors
    /// When the expression cannot be read, or never comes.
    pub fn times(&self, made: Timestamp, zones: &TimeZoneDatabase) -> Result<Times, CronError> {
        let zone = Zone::find(zones, self.time_zone.as_deref())?;
        let wall = parse(&self.expression)?;
        let from = match &self.start_time {
            None => made,
            Some(text) => crate::recurrence::start_moment(text, &zone)
                .ok_or_else(|| CronError::Start { text: text.clone() })?,
        };
        let times = Times::new(Kind::Wall(wall), zone, from, false);
        // A cycle of the calendar is shorter than the horizon of the search.
        if times.next_after(made).is_none() && times.next_after(from).is_none() {
            return Err(CronError::Never {
                expression: self.expression.clone(),
            });
        }
        Ok(times)
    }
}

/// The pattern that an expression stands for.
fn parse(expression: &str) -> Result<Wall, CronError> {
    let written = expression.trim();
    let plain = match written {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ if written.starts_with('@') => {
            return Err(CronError::Shorthand {
                expression: written.to_owned(),
            });
        }
        plain => plain,
    };
    let texts: Vec<&str> = plain.split_whitespace().collect();
    let [minute, hour, day, month, week_day] = texts[..] else {
        return Err(CronError::Fields {
            expression: written.to_owned(),
            found: texts.len(),
        });
    };
    let minutes = FIELDS[0].parse(minute)?;
    let hours = FIELDS[1].parse(hour)?;
    let days = FIELDS[2].parse(day)?;
    let months = FIELDS[3].parse(month)?;
    let sunday_first = FIELDS[4].parse(week_day)?;
    let mut of_day = Vec::new();
    for hour in (0..24).filter(|hour| hours >> hour & 1 == 1) {
        of_day.extend(
            (0..60)
                .filter(|minute| minutes >> minute & 1 == 1)
                .map(|minute| hour * 60 + minute),
        );
    }
    let sunday = (sunday_first | sunday_first >> 7) & 1;
    let week_days = (sunday_first >> 1 & 0b11_1111) | sunday << 6;
    Ok(Wall {
        days: Days::Cron(CronDays {
            days: u32::try_from(days).unwrap_or(u32::MAX),
            months: u16::try_from(months).unwrap_or(u16::MAX),
            week_days: u8::try_from(week_days).unwrap_or(u8::MAX),
            // As cron has it: a field that begins with a star restricts nothing.
            either: !day.starts_with('*') && !week_day.starts_with('*'),
        }),
        minutes: of_day,
    })
}

impl Field {
    /// The numbers of a field, as bits.
    fn parse(&self, text: &str) -> Result<u64, CronError> {
        text.split(',').try_fold(0, |bits, part| {
            self.part(part)
                .map(|more| bits | more)
                .map_err(|reason| CronError::Field {
                    field: self.name,
                    text: text.to_owned(),
                    reason,
                })
        })
    }

    /// One of `*`, `n`, `n-m`, each with `/step` or not.
    fn part(&self, part: &str) -> Result<u64, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let every = match step.map(str::parse::<u8>) {
            None => 1,
            Some(Ok(step)) if step > 0 => step,
            Some(_) => return Err(format!("`{part}` has no step that is a number from 1")),
        };
        let (first, last) = if range == "*" {
            (self.min, self.max)
        } else if let Some((first, last)) = range.split_once('-') {
            (self.number(first)?, self.number(last)?)
        } else {
            let first = self.number(range)?;
            (first, if step.is_some() { self.max } else { first })
        };
        if first > last {
            return Err(format!("`{range}` ends before it begins"));
        }
        // `*/2` of the days of the week must not count Sunday twice.
        let last = if range == "*" && self.max == 7 {
            6
        } else {
            last
        };
        Ok((first..=last)
            .step_by(every.into())
            .fold(0, |bits, number| bits | 1 << number))
    }

    fn number(&self, text: &str) -> Result<u8, String> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().position(|name| *name == lower);
        let named = named.and_then(|index| u8::try_from(index).ok());
        let number = match named {
            Some(index) => index + if self.max == 12 { 1 } else { 0 },
            None => lower.parse().map_err(|_| match self.names {
                [] => format!("`{text}` is not a number"),
                names => format!(
                    "`{text}` is neither a number nor one of {}",
                    names.join(", ")
                ),
            })?,
        };
        if number < self.min || number > self.max {
            return Err(format!("`{text}` is not from {} to {}", self.min, self.max));
        }
        Ok(number)
    }
}
