//! Times of day on certain days, as a clock on the wall shows them, and the moments they stand for.
//!
//! Recurrences by day, week and month and cron expressions all end here, so that one rule holds
//! for all where the clock jumps:
//!
//! - *Gap.* A time that the clock skips stands for the moment of the jump. Several such times of
//!   one gap are one moment, and so one firing.
//! - *Repeat.* A time that the clock shows twice stands for the first showing; except when the
//!   pattern names every hour of the day: then it means the passing of time, and both count.
//!
//! Moments are found segment by segment, a segment being the time between two changes of a zone's
//! offset. Invariant: `next_after(t)` is later than `t`, and nothing that the rule names lies
//! between.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Minutes of a day.
const DAY_MINUTES: i64 = 1_440;

/// How far ahead is looked: the longest way between two 29 Februaries on one week day is 40 years.
const HORIZON: i64 = 64 * 366 * DAY;

/// The days of a pattern. Days are counted from 1970-01-01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Days {
    /// Every so many days from a first.
    Every { first: i64, interval: i64 },
    /// Week days (bit 0 is Monday) of every so many weeks from the week of `first`.
    Weeks {
        first: i64,
        interval: i64,
        week_days: u8,
    },
    /// A day of every so many months from the month of `first`; the last of a shorter month.
    Months { first: i64, interval: i64, day: i8 },
    /// Those of a cron expression.
    Cron(CronDays),
}

/// The day fields of a cron expression, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CronDays {
    /// Days of the month, from bit 1.
    pub(crate) days: u32,
    /// Months, from bit 1.
    pub(crate) months: u16,
    /// Days of the week; bit 0 is Monday.
    pub(crate) week_days: u8,
    /// Whether one of the two day fields is enough.
    pub(crate) either: bool,
}

/// Days, and the minutes of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wall {
    pub(crate) days: Days,
    /// Minutes since midnight, in order, without repeats, at least one.
    pub(crate) minutes: Vec<i64>,
}

/// Why a moment is not simply what the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It is.
    Plain,
    /// The clock skips the time; this is the moment of the jump.
    Gap,
    /// The clock shows the time twice; this is the first showing.
    First,
    /// The clock shows the time twice; this is the second showing.
    Second,
}

/// A moment of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970 in UTC.
    pub(crate) at: i64,
    /// What the pattern says: minutes since 1970 on the wall.
    pub(crate) wall: i64,
    pub(crate) note: Note,
}

/// The time between two changes of a zone's offset, in seconds.
struct Segment {
    /// When it began, and the offset before.
    begin: Option<(i64, i64)>,
    offset: i64,
    /// When it ends, and the offset after.
    end: Option<(i64, i64)>,
}

impl Wall {
    /// Whether the pattern names every hour of the day.
    fn every_hour(&self) -> bool {
        let mut hours = 0_u32;
        for minute in &self.minutes {
            hours |= 1 << (minute / 60);
        }
        hours == (1 << 24) - 1
    }

    /// The first moment later than `after` (seconds).
    pub(crate) fn next_after(&self, zone: &TimeZone, after: i64) -> Option<Moment> {
        let every_hour = self.every_hour();
        let mut segment = Segment::at(zone, after)?;
        let mut from = (after + segment.offset).div_euclid(60) + 1;
        loop {
            if let Some(moment) = self.in_segment(&segment, from, every_hour) {
                return Some(moment);
            }
            let (end, _) = segment.end?;
            if end > after.saturating_add(HORIZON) {
                return None;
            }
            let next = Segment::at(zone, end)?;
            // Times that the clock skips at the jump.
            let (skipped, resumed) = (end + segment.offset, end + next.offset);
            if resumed > skipped
                && let Some(wall) = self.next_wall(minute_from(skipped), minute_from(resumed))
            {
                return Some(Moment {
                    at: end,
                    wall,
                    note: Note::Gap,
                });
            }
            from = minute_from(resumed);
            segment = next;
        }
    }

    /// The first moment of a segment from a minute on.
    fn in_segment(&self, segment: &Segment, from: i64, every_hour: bool) -> Option<Moment> {
        let end = segment
            .end
            .map_or(i64::MAX, |(end, _)| end + segment.offset);
        let limit = (from * 60).saturating_add(HORIZON).min(end);
        // What the clock showed before the segment began.
        let shown = segment
            .begin
            .map_or(i64::MIN, |(begin, offset)| begin + offset);
        let from = if every_hour {
            from
        } else {
            from.max(minute_from(shown))
        };
        let wall = self.next_wall(from, minute_from(limit))?;
        let seconds = wall * 60;
        let note = if seconds < shown {
            Note::Second
        } else if segment
            .end
            .is_some_and(|(at, offset)| seconds >= at + offset)
        {
            Note::First
        } else {
            Note::Plain
        };
        Some(Moment {
            at: seconds - segment.offset,
            wall,
            note,
        })
    }

    /// The first time of the pattern in `from..to` (minutes on the wall).
    fn next_wall(&self, from: i64, to: i64) -> Option<i64> {
        let (mut day, minute) = (from.div_euclid(DAY_MINUTES), from.rem_euclid(DAY_MINUTES));
        let last = (to - 1).div_euclid(DAY_MINUTES);
        let mut index = self.minutes.partition_point(|known| *known < minute);
        if index == self.minutes.len() {
            (day, index) = (day + 1, 0);
        }
        let found = self.days.next(day, last)?;
        if found > day {
            index = 0;
        }
        let wall = found * DAY_MINUTES + self.minutes.get(index)?;
        (wall < to).then_some(wall)
    }
}

impl Segment {
    /// The segment that holds a moment.
    fn at(zone: &TimeZone, seconds: i64) -> Option<Self> {
        let at = Timestamp::from_second(seconds).ok()?;
        let offset = seconds_of(zone.to_offset(at));
        // The first change before `at + 1` that is one of the offset and not only of a name.
        let just_after = Timestamp::from_second(seconds + 1).ok()?;
        let before = |change: Timestamp| {
            let instant = Timestamp::from_second(change.as_second() - 1).ok()?;
            Some(seconds_of(zone.to_offset(instant)))
        };
        let begin = zone.preceding(just_after).find_map(|change| {
            let was = before(change.timestamp())?;
            (was != offset).then_some((change.timestamp().as_second(), was))
        });
        let end = zone.following(at).take(400).find_map(|change| {
            let next = seconds_of(change.offset());
            (next != offset).then_some((change.timestamp().as_second(), next))
        });
        Some(Self { begin, offset, end })
    }
}

fn seconds_of(offset: Offset) -> i64 {
    i64::from(offset.seconds())
}

/// The first whole minute that is not earlier.
fn minute_from(seconds: i64) -> i64 {
    // The limits stand for "no limit"; nothing may be added to them.
    match seconds {
        i64::MIN | i64::MAX => seconds / 60,
        _ => (seconds + 59).div_euclid(60),
    }
}

impl Days {
    /// The first day in `from..=last`.
    fn next(&self, from: i64, last: i64) -> Option<i64> {
        let day = match self {
            Self::Every { first, interval } => {
                let from = from.max(*first);
                from + (first - from).rem_euclid(*interval)
            }
            Self::Weeks {
                first,
                interval,
                week_days,
            } => next_in_weeks(*first, *interval, *week_days, from),
            Self::Months {
                first,
                interval,
                day,
            } => next_in_months(*first, *interval, *day, from)?,
            Self::Cron(cron) => return cron.next(from, last),
        };
        (day <= last).then_some(day)
    }
}

fn next_in_weeks(first: i64, interval: i64, week_days: u8, from: i64) -> i64 {
    let first_monday = first - week_day(first);
    let mut day = from.max(first);
    loop {
        let monday = day - week_day(day);
        let out_of_step = ((monday - first_monday) / 7).rem_euclid(interval);
        if out_of_step != 0 {
            day = monday + (interval - out_of_step) * 7;
            continue;
        }
        if week_days >> week_day(day) & 1 == 1 {
            return day;
        }
        day += 1;
    }
}

fn next_in_months(first: i64, interval: i64, wanted: i8, from: i64) -> Option<i64> {
    let from = from.max(first);
    let (start, at) = (date(first)?, date(from)?);
    let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    let mut month = months(at) + (months(start) - months(at)).rem_euclid(interval);
    loop {
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let number = i8::try_from(month.rem_euclid(12) + 1).ok()?;
        let begin = Date::new(year, number, 1).ok()?;
        let day = begin
            .with()
            .day(wanted.min(begin.days_in_month()))
            .build()
            .ok()?;
        let found = day_number(day);
        if found >= from {
            return Some(found);
        }
        month += interval;
    }
}

impl CronDays {
    fn next(&self, from: i64, last: i64) -> Option<i64> {
        let mut date = date(from)?;
        let mut day = from;
        while day <= last {
            if self.months >> date.month() & 1 == 0 {
                // On to the first of the next month.
                let first = date.last_of_month().tomorrow().ok()?;
                day = day_number(first);
                date = first;
                continue;
            }
            let of_month = self.days >> date.day() & 1 == 1;
            let of_week = self.week_days >> week_day(day) & 1 == 1;
            let matches = if self.either {
                of_month || of_week
            } else {
                of_month && of_week
            };
            if matches {
                return Some(day);
            }
            date = date.tomorrow().ok()?;
            day += 1;
        }
        None
    }
}

/// 0 is Monday. 1970-01-01 was a Thursday.
pub(crate) fn week_day(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// Days from 1970-01-01 to a date.
pub(crate) fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// The date of a day.
pub(crate) fn date(day: i64) -> Option<Date> {
    let span = Span::new().try_days(day).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}
