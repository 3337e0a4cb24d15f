//! Cron expressions of any text: refused with a reason, or times that go forward.
//!
//! More of it: `PROPTEST_CASES=1000000 cargo test -p stepwell-schedule --test fuzz`.

use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use stepwell_model::Timestamp;
use stepwell_schedule::Cron;

fn judge(expression: &str, time_zone: Option<String>, made: i64) -> Result<(), TestCaseError> {
    let cron = Cron {
        expression: expression.to_owned(),
        time_zone,
        start_time: None,
    };
    let mut at = Timestamp::from_millis(made);
    let Ok(times) = cron.times(at, &TimeZoneDatabase::bundled()) else {
        return Ok(());
    };
    for _ in 0..5 {
        let Some(next) = times.next_after(at) else {
            return Ok(());
        };
        prop_assert!(next.at > at, "{expression}: {next:?} after {at:?}");
        at = next.at;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_gives_times_that_go_forward(
        expression in "[ -~é]{0,40}",
        made in 0_i64..4_000_000_000_000,
    ) {
        judge(&expression, None, made)?;
    }

    #[test]
    fn what_looks_like_an_expression_does_so_too(
        fields in prop::collection::vec(
            "(\\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?(,[0-9]{1,2}){0,2}|[A-Z]{3}|\\?|L", 5),
        zone in prop::option::of("UTC|Europe/Berlin|America/New_York|Pacific/Apia|[A-Z][a-z]{2}"),
        made in 0_i64..4_000_000_000_000,
    ) {
        judge(&fields.join(" "), zone, made)?;
    }
}
