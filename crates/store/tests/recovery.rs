//! A write-ahead log that was cut or damaged: what was good before the damage is there, or the file
//! is refused; it is never opened as something else.
//!
//! More of it: `PROPTEST_CASES=100000 cargo test -p stepwell-store --test recovery`.

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use stepwell_model::Timestamp;
use stepwell_store::{NamedPart, Store, care, experiments};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// A database with a log of several commits, as a killed server leaves it: copied while it is open.
fn killed(folder: &Utf8Path) -> Utf8PathBuf {
    let live = folder.join("live.db");
    let store = Store::open(&live).expect("a database");
    for number in 0..8_u128 {
        let add = move |db: &_| {
            experiments::ensure(db, &format!("e{number}"), Uuid::from_u128(number), NOW)
        };
        block_on(store.write(add)).expect("written");
    }
    let copy = folder.join("stepwell.db");
    for end in ["", "-wal"] {
        std::fs::copy(format!("{live}{end}"), format!("{copy}{end}")).expect("copied");
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases.min(64).max(ProptestConfig::default().cases / 8),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_log_loses_its_end_and_nothing_else(
        cut in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = guard.path();
        let database = killed(folder);
        let log = format!("{database}-wal");
        let mut bytes = std::fs::read(&log).expect("read");
        prop_assume!(!bytes.is_empty());
        bytes.truncate(cut.index(bytes.len()) + 1);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        std::fs::write(&log, bytes).expect("written");

        let Ok(store) = Store::open(&database) else {
            return Ok(());
        };
        let all = NamedPart::default();
        let known = block_on(store.read(move |db| experiments::list(db, &all))).expect("read");
        // What is there is a beginning of what was committed, in order and without a gap.
        let mut names: Vec<String> = known.into_iter().map(|known| known.name).collect();
        names.sort();
        let expected: Vec<String> = (0..names.len()).map(|number| format!("e{number}")).collect();
        prop_assert_eq!(names, expected);
        prop_assert!(care::faults(&database).expect("read").is_empty());
    }
}
