//! What recurrences and cron expressions mean, by example.

use jiff::tz::TimeZoneDatabase;
use stepwell_model::Timestamp;
use stepwell_schedule::{
    Cron, CronError, Event, Frequency, Note, Policy, Recurrence, State, Times, WeekDay, Zone,
    windows,
};

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_millis(at.as_millisecond())
}

fn every(frequency: Frequency, interval: u32) -> Recurrence {
    Recurrence {
        frequency,
        interval,
        start_time: None,
        time_zone: None,
        hours: None,
        minutes: None,
        week_days: None,
    }
}

/// The first times of a schedule that is made at a moment, in UTC to the minute.
fn first(times: &Times, made: &str, count: usize) -> Vec<String> {
    let mut after = times.begin(at(made));
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(time) = times.next_after(after) else {
            break;
        };
        found.push(time.at.to_string().trim_end_matches(":00.000Z").to_owned());
        after = time.at;
    }
    found
}

fn times(recurrence: &Recurrence, made: &str) -> Times {
    recurrence
        .times(at(made), &TimeZoneDatabase::bundled())
        .expect("a recurrence")
}

fn refusal(recurrence: &Recurrence) -> String {
    let refused = recurrence.times(at("2026-01-01T00:00:00Z"), &TimeZoneDatabase::bundled());
    refused.expect_err("no recurrence").to_string()
}

fn cron(expression: &str, zone: &str) -> Result<Times, CronError> {
    let cron = Cron {
        expression: expression.to_owned(),
        time_zone: Some(zone.to_owned()),
        start_time: None,
    };
    cron.times(at("2026-01-01T00:00:00Z"), &TimeZoneDatabase::bundled())
}

const MADE: &str = "2026-03-04T10:20:30.400Z"; // a Wednesday

#[test]
fn without_a_start_and_named_times_it_begins_at_once() {
    let found = first(&times(&every(Frequency::Hour, 2), MADE), MADE, 2);
    assert_eq!(
        found,
        ["2026-03-04T10:20:30.000Z", "2026-03-04T12:20:30.000Z"]
    );
    let found = first(&times(&every(Frequency::Day, 1), MADE), MADE, 2);
    assert_eq!(found, ["2026-03-04T10:20", "2026-03-05T10:20"]);
}

#[test]
fn named_times_are_waited_for() {
    let nine = Recurrence {
        hours: Some(vec![9, 17]),
        ..every(Frequency::Day, 1)
    };
    assert_eq!(
        first(&times(&nine, MADE), MADE, 2),
        ["2026-03-04T17:00", "2026-03-05T09:00"]
    );
    let half = Recurrence {
        hours: Some(vec![9]),
        minutes: Some(vec![30, 0]),
        time_zone: Some("W. Europe Standard Time".to_owned()),
        ..every(Frequency::Day, 2)
    };
    let expected = ["2026-03-06T08:00", "2026-03-06T08:30", "2026-03-08T08:00"];
    assert_eq!(first(&times(&half, MADE), MADE, 3), expected);
}

#[test]
fn a_start_in_the_past_counts_but_does_not_fire() {
    let hourly = Recurrence {
        start_time: Some("2026-03-01T00:05:00".to_owned()),
        ..every(Frequency::Hour, 5)
    };
    assert_eq!(
        first(&times(&hourly, MADE), MADE, 2),
        ["2026-03-04T13:05", "2026-03-04T18:05"]
    );
    let later = Recurrence {
        start_time: Some("2027-01-31T08:45:00".to_owned()),
        time_zone: Some("America/New_York".to_owned()),
        ..every(Frequency::Month, 1)
    };
    // A shorter month has its last day.
    let expected = ["2027-01-31T13:45", "2027-02-28T13:45", "2027-03-31T12:45"];
    assert_eq!(first(&times(&later, MADE), MADE, 3), expected);
}

#[test]
fn weeks_are_counted_from_monday() {
    let weekly = Recurrence {
        start_time: Some("2026-03-04T06:00:00".to_owned()),
        week_days: Some(vec![WeekDay::Monday, WeekDay::Friday]),
        ..every(Frequency::Week, 2)
    };
    let expected = ["2026-03-06T06:00", "2026-03-16T06:00", "2026-03-20T06:00"];
    assert_eq!(
        first(
            &times(&weekly, "2026-03-01T00:00:00Z"),
            "2026-03-01T00:00:00Z",
            3
        ),
        expected
    );
    let same_day = first(&times(&every(Frequency::Week, 1), MADE), MADE, 2);
    assert_eq!(same_day, ["2026-03-04T10:20", "2026-03-11T10:20"]);
}

#[test]
fn a_time_in_a_gap_fires_at_the_jump_and_a_repeated_one_once() {
    let night = cron("30 2 * * *", "Europe/Berlin").expect("an expression");
    let gap = night
        .next_after(at("2026-03-28T12:00:00Z"))
        .expect("a time");
    assert_eq!((gap.at, gap.note), (at("2026-03-29T01:00:00Z"), Note::Gap));
    let repeat = night
        .next_after(at("2026-10-24T12:00:00Z"))
        .expect("a time");
    assert_eq!(
        (repeat.at, repeat.note),
        (at("2026-10-25T00:30:00Z"), Note::First)
    );
    let next = night.next_after(repeat.at).expect("a time");
    assert_eq!(
        (next.at, next.note),
        (at("2026-10-26T01:30:00Z"), Note::Plain)
    );
}

#[test]
fn what_names_every_hour_fires_in_both_showings() {
    let hourly = cron("0 * * * *", "Europe/Berlin").expect("an expression");
    let second = hourly
        .next_after(at("2026-10-25T00:00:00Z"))
        .expect("a time");
    assert_eq!(
        (second.at, second.note),
        (at("2026-10-25T01:00:00Z"), Note::Second)
    );
}

#[test]
fn cron_expressions_mean_what_they_mean_elsewhere() {
    let begin = "2026-01-01T00:00:00Z";
    let of = |expression| first(&cron(expression, "UTC").expect("an expression"), begin, 3);
    let expected = ["2026-01-01T09:10", "2026-01-01T09:40", "2026-01-02T09:10"];
    assert_eq!(of("10-59/30 9 * * 1-5"), expected);
    assert_eq!(
        of("0 0 13 * fri"),
        ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]
    );
    assert_eq!(
        of("0 0 29 feb *"),
        ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]
    );
    assert_eq!(
        of("@weekly"),
        ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]
    );
    assert_eq!(
        of("5/20 0 1 1 *"),
        ["2026-01-01T00:05", "2026-01-01T00:25", "2026-01-01T00:45"]
    );
    assert_eq!(of("0 0 * * 7"), of("0 0 * * 0"));
}

#[test]
fn a_wrong_expression_is_refused_with_the_field() {
    let text = |expression| cron(expression, "UTC").expect_err("refused").to_string();
    assert_eq!(
        text("60 * * * *"),
        "`60` cannot be the minute of a cron expression: `60` is not from 0 to 59"
    );
    assert_eq!(
        text("0 0 * * mo"),
        "`mo` cannot be the day of the week of a cron expression: `mo` is neither a number nor one \
         of sun, mon, tue, wed, thu, fri, sat"
    );
    assert!(text("0 0 30 2 *").contains("never comes"));
    assert!(text("* * * * * *").contains("has 6 fields"));
    assert!(text("*/0 * * * *").contains("no step"));
    assert!(text("5-1 * * * *").contains("ends before it begins"));
    assert!(text("@reboot").contains("@hourly"));
    for garbage in [
        "",
        "a",
        ", , , , ,",
        "- - - - -",
        "1- * * * *",
        "é * * * *",
        "/ / / / /",
    ] {
        assert!(cron(garbage, "UTC").is_err(), "{garbage}");
    }
}

#[test]
fn a_wrong_recurrence_is_refused_with_the_field() {
    let day = every(Frequency::Day, 1);
    let hours = Some(vec![24]);
    assert!(
        refusal(&Recurrence {
            hours,
            ..day.clone()
        })
        .contains("`hours`")
    );
    let minutes = Some(vec![]);
    assert!(
        refusal(&Recurrence {
            minutes,
            ..day.clone()
        })
        .contains("`minutes`")
    );
    let hours = Some(vec![1]);
    let hourly = Recurrence {
        hours,
        ..every(Frequency::Hour, 1)
    };
    assert_eq!(
        refusal(&hourly),
        "`hours` can only be given when the frequency is `Day` or `Week`"
    );
    let week_days = Some(vec![WeekDay::Monday]);
    assert!(
        refusal(&Recurrence {
            week_days,
            ..day.clone()
        })
        .contains("`Week`")
    );
    assert!(refusal(&every(Frequency::Day, 0)).contains("from 1 to"));
    let time_zone = Some("../../etc/passwd".to_owned());
    assert!(
        refusal(&Recurrence {
            time_zone,
            ..day.clone()
        })
        .contains("no time zone")
    );
    for start in [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+01:00",
        "soon",
        "é",
    ] {
        let start_time = Some(start.to_owned());
        assert!(
            refusal(&Recurrence {
                start_time,
                ..day.clone()
            })
            .contains("start time"),
            "{start}"
        );
    }
}

#[test]
fn every_windows_name_has_a_zone() {
    let database = TimeZoneDatabase::bundled();
    for name in windows::names() {
        let zone = Zone::find(&database, Some(name)).expect(name);
        assert_eq!(zone.name(), name);
        assert!(
            database.get(zone.iana()).is_ok() || zone.iana() == "UTC",
            "{name}"
        );
    }
    assert!(windows::names().collect::<Vec<_>>().is_sorted());
    assert_eq!(windows::names().count(), 141);
}

#[test]
fn other_times_begin_with_the_change_and_what_passed_before_has_its_fate() {
    let hourly = times(&every(Frequency::Hour, 1), MADE);
    let mut state = State::new(Some(hourly), Policy::default(), at(MADE));
    state.step(Event::Disable, at(MADE));
    let daily = times(&every(Frequency::Day, 1), "2026-03-04T15:00:00Z");
    let change = Event::Replace(Some(daily), Policy::default());
    let decision = state.step(change, at("2026-03-04T15:00:00Z"));
    let counts: Vec<u64> = decision.entries.iter().map(|entry| entry.count).collect();
    assert_eq!(counts, [4], "{decision:?}");
    assert_eq!(state.next(), None);
    state.step(Event::Enable, at("2026-03-04T16:00:00Z"));
    assert_eq!(state.next(), Some(at("2026-03-05T15:00:00Z")));
}
