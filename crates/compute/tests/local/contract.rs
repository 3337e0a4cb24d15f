//! What every executor promises.

use stepwell_model::{FailureKind, Outcome};

use crate::rig::{Rig, failure};

async fn tells_the_start_and_the_end_once(mut rig: Rig) {
    let job = rig.shell("true");
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let job = rig.shell("exit 3");
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::UserCode);
    assert_eq!(failure.summary, "the script exited with status 3");
    assert!(rig.is_quiet());
}

async fn starting_twice_is_starting_once(mut rig: Rig) {
    let job = rig.shell("exec sleep 1000");
    rig.executor.start(job.clone());
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    rig.executor.start(job.clone());
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(rig.run(&job).await, outcome);
    assert!(rig.is_quiet());
}

async fn stopping_what_has_ended_or_is_unknown_does_nothing(mut rig: Rig) {
    let job = rig.shell("true");
    rig.executor.stop(job.attempt);
    let outcome = rig.run(&job).await;
    rig.executor.stop(job.attempt);
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(rig.is_quiet());
}

macro_rules! held_by {
    ($executor:ident: $($promise:ident)*) => {
        mod $executor {
            use crate::rig::Rig;
            $(
                #[tokio::test]
                async fn $promise() {
                    super::$promise(Rig::$executor()).await;
                }
            )*
        }
    };
}

held_by!(fake:
    tells_the_start_and_the_end_once
    starting_twice_is_starting_once
    stopping_what_has_ended_or_is_unknown_does_nothing);
held_by!(local:
    tells_the_start_and_the_end_once
    starting_twice_is_starting_once
    stopping_what_has_ended_or_is_unknown_does_nothing);
