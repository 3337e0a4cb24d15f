//! Times where clocks jump, against a model that walks the minutes one by one, in every zone.
//!
//! The model knows of a zone nothing but its offset at a moment. A minute fires when the clock then
//! shows a time of the pattern, unless it has shown it before (and the pattern does not name every
//! hour); and when the clock jumps over a time of the pattern.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use stepwell_model::Timestamp;
use stepwell_schedule::{Cron, Frequency, Recurrence, Times, WeekDay};

/// A pattern in the words of the model: which minutes of which days.
struct Pattern {
    name: &'static str,
    day: fn(Date) -> bool,
    minute: fn(i64) -> bool,
    every_hour: bool,
    times: fn(&str) -> Times,
}

fn database() -> TimeZoneDatabase {
    TimeZoneDatabase::bundled()
}

fn cron(expression: &str, zone: &str) -> Times {
    let cron = Cron {
        expression: expression.to_owned(),
        time_zone: Some(zone.to_owned()),
        start_time: None,
    };
    cron.times(Timestamp::from_millis(0), &database())
        .expect("an expression")
}

fn recurrence(frequency: Frequency, zone: &str, hours: &[u8], minutes: &[u8]) -> Recurrence {
    Recurrence {
        frequency,
        interval: 1,
        start_time: Some("1970-01-01T00:00:00".to_owned()),
        time_zone: Some(zone.to_owned()),
        hours: Some(hours.to_vec()),
        minutes: Some(minutes.to_vec()),
        week_days: None,
    }
}

fn made(recurrence: &Recurrence) -> Times {
    recurrence
        .times(Timestamp::from_millis(0), &database())
        .expect("a recurrence")
}

const PATTERNS: &[Pattern] = &[
    Pattern {
        name: "cron 30 2 * * *",
        day: |_| true,
        minute: |minute| minute == 150,
        every_hour: false,
        times: |zone| cron("30 2 * * *", zone),
    },
    Pattern {
        name: "cron */15 * * * *",
        day: |_| true,
        minute: |minute| minute % 15 == 0,
        every_hour: true,
        times: |zone| cron("*/15 * * * *", zone),
    },
    Pattern {
        name: "cron */20 0-4 * * *",
        day: |_| true,
        minute: |minute| minute < 300 && minute % 20 == 0,
        every_hour: false,
        times: |zone| cron("*/20 0-4 * * *", zone),
    },
    Pattern {
        name: "cron 0,30 0-3,23 1-7 * sun",
        day: |date| date.day() <= 7 || date.weekday() == jiff::civil::Weekday::Sunday,
        minute: |minute| !(240..1_380).contains(&minute) && minute % 30 == 0,
        every_hour: false,
        times: |zone| cron("0,30 0-3,23 1-7 * sun", zone),
    },
    Pattern {
        name: "day at 0:15, 1:15, 2:15, 3:15",
        day: |_| true,
        minute: |minute| minute < 240 && minute % 60 == 15,
        every_hour: false,
        times: |zone| made(&recurrence(Frequency::Day, zone, &[0, 1, 2, 3], &[15])),
    },
    Pattern {
        name: "week on Saturday and Sunday at 0:00, 1:59, 2:00, 23:59 and more",
        day: |date| {
            matches!(
                date.weekday(),
                jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
            )
        },
        minute: |minute| {
            [0, 1, 2, 3, 23].contains(&(minute / 60)) && [0, 59].contains(&(minute % 60))
        },
        every_hour: false,
        times: |zone| {
            made(&Recurrence {
                week_days: Some(vec![WeekDay::Saturday, WeekDay::Sunday]),
                ..recurrence(Frequency::Week, zone, &[0, 1, 2, 3, 23], &[0, 59])
            })
        },
    },
];

/// The model's firings in `from..to` (minutes since 1970 in UTC).
fn walk(zone: &TimeZone, pattern: &Pattern, from: i64, to: i64) -> BTreeSet<i64> {
    let offset = |minute: i64| {
        let at = jiff::Timestamp::from_second(minute * 60).expect("in range");
        i64::from(zone.to_offset(at).seconds()) / 60
    };
    let mut date = None;
    let mut fits = |wall: i64| {
        let day = wall.div_euclid(1_440);
        let known = date.filter(|(known, _)| *known == day);
        let (_, fits) = known.unwrap_or_else(|| {
            let noon = jiff::Timestamp::from_second(day * 86_400).expect("in range");
            (day, (pattern.day)(TimeZone::UTC.to_datetime(noon).date()))
        });
        date = Some((day, fits));
        fits && (pattern.minute)(wall.rem_euclid(1_440))
    };
    let mut fired = BTreeSet::new();
    // What the clock has shown: begin a day early, so that a repeat is known as one.
    let mut shown = from - 1_440 + offset(from - 1_440) - 1;
    for minute in from - 1_440..to {
        let wall = minute + offset(minute);
        let jumped = (shown + 1..wall).any(&mut fits);
        let repeat = wall <= shown;
        if minute >= from && (jumped || (fits(wall) && (pattern.every_hour || !repeat))) {
            fired.insert(minute);
        }
        // A repeat that counts is as good as new.
        shown = if pattern.every_hour {
            wall
        } else {
            shown.max(wall)
        };
    }
    fired
}

/// Compares both in a window; gives the number of firings.
fn compare(
    name: &str,
    zone: &TimeZone,
    pattern: &Pattern,
    times: &Times,
    from: i64,
    to: i64,
) -> usize {
    let expected = walk(zone, pattern, from, to);
    let mut found = BTreeSet::new();
    let mut after = Timestamp::from_millis(from * 60_000 - 1);
    while let Some(time) = times.next_after(after) {
        assert!(
            time.at > after,
            "{name}, {}: {} does not go on",
            pattern.name,
            time.at
        );
        if time.at.as_millis() >= to * 60_000 {
            break;
        }
        assert_eq!(
            time.at.as_millis() % 60_000,
            0,
            "{name}, {}: {}",
            pattern.name,
            time.at
        );
        found.insert(time.at.as_millis() / 60_000);
        after = time.at;
    }
    let listed = |minutes: Vec<&i64>| {
        minutes
            .into_iter()
            .map(|minute| Timestamp::from_millis(minute * 60_000))
            .collect::<Vec<_>>()
    };
    assert!(
        found == expected,
        "{name}, {}: too many: {:?}; missing: {:?}",
        pattern.name,
        listed(found.difference(&expected).collect()),
        listed(expected.difference(&found).collect()),
    );
    found.len()
}

#[test]
fn every_zone_agrees_with_a_walk_over_the_minutes() {
    let database = database();
    let begin: jiff::Timestamp = "1990-01-01T00:00:00Z".parse().expect("a time");
    let end: jiff::Timestamp = "2038-01-01T00:00:00Z".parse().expect("a time");
    let recent: jiff::Timestamp = "2025-01-01T00:00:00Z".parse().expect("a time");
    let (mut zones, mut jumps, mut firings) = (0, 0, 0);
    for name in database.available() {
        let name = name.as_str();
        let zone = database.get(name).expect("an available zone");
        zones += 1;
        let all: Vec<Times> = PATTERNS
            .iter()
            .map(|pattern| (pattern.times)(name))
            .collect();
        for change in zone.following(begin) {
            let at = change.timestamp();
            // Offsets with seconds have left every clock long ago.
            if at > end || at.as_second() % 60 != 0 || change.offset().seconds() % 60 != 0 {
                break;
            }
            jumps += 1;
            let minute = at.as_second() / 60;
            // Every pattern near the changes of some years; the two that matter most near all.
            let near = at > recent && at < recent + jiff::SignedDuration::from_hours(2 * 365 * 24);
            let count = if near { PATTERNS.len() } else { 2 };
            for (pattern, times) in PATTERNS.iter().zip(&all).take(count) {
                firings += compare(name, &zone, pattern, times, minute - 400, minute + 400);
            }
        }
    }
    assert!(
        zones > 500 && jumps > 10_000 && firings > 100_000,
        "{zones} {jumps} {firings}"
    );
}
