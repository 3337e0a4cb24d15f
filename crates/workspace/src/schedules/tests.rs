//! The driver on a real database, with a clock that the test turns and runs that the test ends.

mod rig;

use stepwell_model::{RunId, Timestamp};
use stepwell_schedule::{
    CatchUp, DataTrigger, Frequency, Outcome, Overlap, Policy, Reason, Recurrence, Trigger,
};
use stepwell_store::schedules::{self as rows, Schedule};
use uuid::Uuid;

use super::alter::Alteration;
use super::loaded::Loaded;
use super::ports::LaunchError;
use crate::clock::Clock as _;
use rig::{MINUTE, Rig, START, eventually};

/// Every minute, from one minute after the start.
fn minutely() -> Trigger {
    Trigger::Recurrence(Recurrence {
        frequency: Frequency::Minute,
        interval: 1,
        start_time: Some("2026-03-04T10:01:00".to_owned()),
        time_zone: None,
        hours: None,
        minutes: None,
        week_days: None,
    })
}

fn policy(catch_up: CatchUp, overlap: Overlap) -> Policy {
    Policy { catch_up, overlap }
}

fn fired(outcome: &Outcome) -> Option<RunId> {
    match outcome {
        Outcome::Fired { run, .. } => Some(*run),
        _ => None,
    }
}

#[tokio::test]
async fn a_schedule_fires_at_each_of_its_times() {
    let rig = Rig::new();
    let schedule = rig.add(&minutely(), Policy::default()).await;
    for minute in 1..=3 {
        rig.turn_clock(START + minute * MINUTE);
        rig.fates(&schedule, minute.unsigned_abs()).await;
    }
    let fates = rig.fates(&schedule, 3).await;
    assert_eq!(
        fates.iter().map(|fate| fate.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        fates.iter().all(|fate| fired(&fate.2).is_some()),
        "{fates:?}"
    );
    let firing = rig.runs.firings.lock().expect("a lock")[0].clone();
    assert_eq!(firing.schedule, schedule.id);
    assert_eq!(
        firing.slot.key("s"),
        "schedule:s:2026-03-04T10:01:00.000Z",
        "the key is what makes a repeated start the same run"
    );
}

#[tokio::test]
async fn a_start_that_nobody_heard_of_is_made_again_and_is_the_same_run() {
    let mut rig = Rig::new();
    let schedule = rig.add(&minutely(), Policy::default()).await;
    *rig.runs.silent.lock().expect("a lock") = true;
    rig.turn_clock(START + MINUTE);
    eventually("it has started", async || {
        (rig.started() == 1).then_some(())
    })
    .await;
    assert_eq!(rig.ledger(&schedule).await[0].outcome, "due");
    *rig.runs.silent.lock().expect("a lock") = false;
    rig.restart().await;
    let fates = rig.fates(&schedule, 1).await;
    assert!(fired(&fates[0].2).is_some(), "{fates:?}");
    assert_eq!(rig.started(), 1);
}

#[tokio::test]
async fn missed_times_are_caught_up_as_the_policy_says() {
    for (catch_up, fires) in [
        (CatchUp::Skip, 5..6),
        (CatchUp::Last, 5..6),
        (CatchUp::All, 1..6),
    ] {
        let mut rig = Rig::new();
        let schedule = rig.add(&minutely(), policy(catch_up, Overlap::Allow)).await;
        rig.stop().await;
        // The last of the five is on time: a server may be a little late.
        rig.turn_clock(START + 5 * MINUTE + 59_000);
        rig.resume();
        let fates = rig.fates(&schedule, 5).await;
        let runs: Vec<i64> = fates
            .iter()
            .filter(|fate| fired(&fate.2).is_some())
            .map(|fate| fate.0)
            .collect();
        assert_eq!(
            fates.iter().map(|fate| fate.1).sum::<u64>(),
            5,
            "{catch_up:?}: {fates:?}"
        );
        assert_eq!(runs, fires.collect::<Vec<i64>>(), "{catch_up:?}: {fates:?}");
    }
}

#[tokio::test]
async fn what_overlaps_is_left_out_with_the_run_that_was_in_the_way() {
    let rig = Rig::new();
    let schedule = rig
        .add(&minutely(), policy(CatchUp::Last, Overlap::Skip))
        .await;
    rig.turn_clock(START + MINUTE);
    let first = fired(&rig.fates(&schedule, 1).await[0].2).expect("a run");
    rig.turn_clock(START + 2 * MINUTE);
    let fates = rig.fates(&schedule, 2).await;
    let reason = Reason::Overlap { run: Some(first) };
    assert_eq!(fates[1].2, Outcome::Skipped { reason });
    rig.end(first);
    rig.schedules
        .change(schedule.id, Alteration::default())
        .await
        .expect("changed");
    rig.turn_clock(START + 3 * MINUTE);
    let fates = rig.fates(&schedule, 3).await;
    assert!(fired(&fates[2].2).is_some(), "{fates:?}");
}

#[tokio::test]
async fn what_waits_starts_when_the_run_before_is_over_also_after_a_restart() {
    let mut rig = Rig::new();
    let schedule = rig
        .add(&minutely(), policy(CatchUp::Last, Overlap::Queue))
        .await;
    rig.turn_clock(START + MINUTE);
    let first = fired(&rig.fates(&schedule, 1).await[0].2).expect("a run");
    rig.turn_clock(START + 2 * MINUTE);
    assert_eq!(rig.fates(&schedule, 2).await[1].2, Outcome::Queued);
    assert_eq!(rig.started(), 1);
    // To the database the first run is over: there is no such run that is not.
    rig.restart().await;
    let second = eventually("the second has started", async || {
        let fates = rig.fates(&schedule, 2).await;
        fired(&fates[1].2)
    });
    assert_ne!(second.await, first);
    assert_eq!(rig.started(), 2);
}

#[tokio::test]
async fn the_run_before_is_cancelled_when_the_policy_says_so() {
    let rig = Rig::new();
    let schedule = rig
        .add(&minutely(), policy(CatchUp::Last, Overlap::CancelPrevious))
        .await;
    rig.turn_clock(START + MINUTE);
    let first = fired(&rig.fates(&schedule, 1).await[0].2).expect("a run");
    rig.turn_clock(START + 2 * MINUTE);
    let fates = rig.fates(&schedule, 2).await;
    let by = Timestamp::from_millis(START + 2 * MINUTE);
    let expected = Outcome::Fired {
        run: first,
        cancelled_for: Some(by),
    };
    assert_eq!(fates[0].2, expected);
    assert_eq!(*rig.runs.cancelled.lock().expect("a lock"), [first]);
}

#[tokio::test]
async fn a_refused_start_is_written_down_and_a_hindered_one_is_tried_again() {
    let rig = Rig::new();
    let schedule = rig.add(&minutely(), Policy::default()).await;
    let refusal = "published pipeline `p` is disabled".to_owned();
    *rig.runs.trouble.lock().expect("a lock") = vec![LaunchError::Refused(refusal.clone())];
    rig.turn_clock(START + MINUTE);
    let reason = Reason::Refused { message: refusal };
    assert_eq!(
        rig.fates(&schedule, 1).await[0].2,
        Outcome::Skipped { reason }
    );
    *rig.runs.trouble.lock().expect("a lock") = vec![LaunchError::Later("disk full".to_owned())];
    rig.turn_clock(START + 2 * MINUTE);
    assert!(fired(&rig.fates(&schedule, 2).await[1].2).is_some());
}

#[tokio::test]
async fn a_disabled_schedule_does_not_fire_and_says_so_once_it_is_enabled() {
    let mut rig = Rig::new();
    let schedule = rig.add(&minutely(), Policy::default()).await;
    let enabled = |enabled| Alteration {
        enabled: Some(enabled),
        ..Alteration::default()
    };
    let changed = rig
        .schedules
        .change(schedule.id, enabled(false))
        .await
        .expect("changed");
    assert_eq!(changed.map(|row| row.progress.enabled), Some(false));
    assert_eq!(rig.schedules.enabled(), 0);
    rig.restart().await;
    rig.turn_clock(START + 3 * MINUTE + 1);
    let changed = rig
        .schedules
        .change(schedule.id, enabled(true))
        .await
        .expect("changed");
    assert_eq!(changed.map(|row| row.progress.enabled), Some(true));
    rig.turn_clock(START + 4 * MINUTE);
    let fates = rig.fates(&schedule, 4).await;
    let reason = Reason::Disabled;
    assert_eq!(fates[0], (1, 3, Outcome::Skipped { reason }));
    assert!(fired(&fates[1].2).is_some(), "{fates:?}");
    assert!(rig.schedules.remove(schedule.id).await.expect("removed"));
    assert!(!rig.schedules.remove(schedule.id).await.expect("asked"));
    assert!(rig.ledger(&schedule).await.is_empty());
}

#[tokio::test]
async fn changed_files_are_delivered_once_each_also_after_a_restart() {
    let mut rig = Rig::new();
    let trigger = Trigger::Data(DataTrigger {
        datastore: "workspaceblobstore".to_owned(),
        path: "in/".to_owned(),
        polling_interval: 1,
        data_path_parameter: Some("path".to_owned()),
    });
    let schedule = rig.add(&trigger, Policy::default()).await;
    let put = |rig: &Rig, path: &str, print: &str| {
        let mut files = rig.files.0.lock().expect("a lock");
        files.insert(path.to_owned(), print.to_owned());
    };
    // Minutes pass until so many changes are delivered; then some more, which deliver nothing.
    let paths = async |rig: &Rig, count: usize| -> Vec<String> {
        let mut more = 3;
        let delivered = eventually("the changes are delivered", async || {
            rig.turn_clock(rig.clock.now().as_millis() + MINUTE);
            rig.barrier(&schedule).await;
            let lines = rig.ledger(&schedule).await;
            let done = lines.len() >= count && lines.iter().all(|line| line.outcome == "fired");
            more -= i32::from(done);
            (more == 0).then_some(lines)
        });
        let mut paths: Vec<String> = delivered.await.into_iter().map(|line| line.path).collect();
        paths.sort();
        paths
    };
    put(&rig, "a.csv", "1");
    put(&rig, "deep/down/b.csv", "1");
    rig.turn_clock(START + MINUTE);
    rig.restart().await;
    let both = ["in/a.csv", "in/deep/down/b.csv"];
    assert_eq!(paths(&rig, 2).await, both);
    rig.restart().await;
    put(&rig, "a.csv", "2");
    rig.turn_clock(rig.clock.now().as_millis() + MINUTE);
    rig.restart().await;
    assert_eq!(
        paths(&rig, 3).await,
        ["in/a.csv", "in/a.csv", "in/deep/down/b.csv"]
    );
    assert_eq!(rig.started(), 3);
    let firing = rig.runs.firings.lock().expect("a lock")[0].clone();
    let datastore = "workspaceblobstore".to_owned();
    assert_eq!(firing.data_path, Some(("path".to_owned(), datastore)));
}

#[tokio::test]
async fn what_changes_while_a_schedule_is_disabled_is_known_and_not_delivered() {
    let mut rig = Rig::new();
    let trigger = Trigger::Data(DataTrigger {
        datastore: "workspaceblobstore".to_owned(),
        path: String::new(),
        polling_interval: 1,
        data_path_parameter: Some("path".to_owned()),
    });
    let schedule = rig.add(&trigger, Policy::default()).await;
    let put = |rig: &Rig, path: &str| {
        let mut files = rig.files.0.lock().expect("a lock");
        files.insert(path.to_owned(), "1".to_owned());
    };
    let enabled = |enabled| Alteration {
        enabled: Some(enabled),
        ..Alteration::default()
    };
    let delivered_to = async |rig: &Rig, count: usize| -> Vec<(String, String)> {
        let lines = eventually("the ledger has it", async || {
            rig.turn_clock(rig.clock.now().as_millis() + MINUTE);
            rig.barrier(&schedule).await;
            let lines = rig.ledger(&schedule).await;
            let settled = lines.iter().all(|line| line.outcome != "due");
            (settled && lines.len() >= count).then_some(lines)
        });
        let lines = lines.await.into_iter();
        lines.map(|line| (line.path, line.outcome)).collect()
    };
    rig.schedules
        .change(schedule.id, enabled(false))
        .await
        .expect("changed");
    put(&rig, "while");
    rig.turn_clock(START + 5 * MINUTE);
    rig.schedules
        .change(schedule.id, enabled(true))
        .await
        .expect("changed");
    let missed = ("while".to_owned(), "skipped".to_owned());
    assert_eq!(delivered_to(&rig, 1).await, std::slice::from_ref(&missed));
    rig.restart().await;
    put(&rig, "after");
    let delivered = ("after".to_owned(), "fired".to_owned());
    assert_eq!(delivered_to(&rig, 2).await, [missed, delivered]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_stop_the_others() {
    let mut rig = Rig::new();
    let schedule = rig.add(&minutely(), Policy::default()).await;
    let broken = Schedule {
        id: Uuid::new_v4(),
        trigger_json: "{\"kind\":\"of a later version\"}".to_owned(),
        ..schedule.clone()
    };
    assert!(Loaded::new(broken.clone(), jiff::tz::db()).is_err());
    rig.store
        .write(move |db| rows::insert(db, &broken))
        .await
        .expect("inserted");
    rig.restart().await;
    rig.turn_clock(START + MINUTE);
    assert!(fired(&rig.fates(&schedule, 1).await[0].2).is_some());
}

#[tokio::test]
async fn ten_thousand_in_one_minute_all_fire() {
    let rig = Rig::new();
    let schedules = rig.add_many(10_000, &minutely(), Policy::default()).await;
    rig.schedules
        .change(schedules[0].id, Alteration::default())
        .await
        .expect("changed");
    rig.turn_clock(START + MINUTE);
    eventually("all have fired", async || {
        (rig.started() == 10_000).then_some(())
    })
    .await;
    let last = schedules.last().expect("the last");
    assert!(fired(&rig.fates(last, 1).await[0].2).is_some());
}

#[tokio::test]
async fn a_time_that_was_missed_by_more_than_a_minute_is_late() {
    for (catch_up, fires) in [(CatchUp::Skip, None), (CatchUp::Last, Some(2))] {
        let mut rig = Rig::new();
        let hourly = Trigger::Recurrence(Recurrence {
            frequency: Frequency::Hour,
            interval: 1,
            start_time: Some("2026-03-04T10:01:00".to_owned()),
            time_zone: None,
            hours: None,
            minutes: None,
            week_days: None,
        });
        let schedule = rig.add(&hourly, policy(catch_up, Overlap::Allow)).await;
        rig.schedules
            .change(schedule.id, Alteration::default())
            .await
            .expect("changed");
        rig.stop().await;
        rig.turn_clock(START + 63 * MINUTE);
        rig.resume();
        let fates = rig.fates(&schedule, 2).await;
        let fired = fates.iter().position(|fate| fired(&fate.2).is_some());
        assert_eq!(
            fired.map(|index| index + 1),
            fires,
            "{catch_up:?}: {fates:?}"
        );
    }
}
