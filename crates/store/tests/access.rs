//! Tokens and the audit.

use stepwell_model::Timestamp;
use stepwell_store::audit::{self, Detail, RECORDS_MAX, Record};
use stepwell_store::tokens::{self, Token};
use stepwell_store::{Error, Store};
use uuid::Uuid;

fn token(name: &str) -> Token {
    Token {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        role: "reader".to_owned(),
        hash: *Uuid::new_v4()
            .as_bytes()
            .repeat(2)
            .first_chunk()
            .expect("32 bytes"),
        created: Timestamp::from_millis(1),
        created_by: "a test".to_owned(),
        expires: Some(Timestamp::from_millis(9)),
        revoked: None,
        used: None,
    }
}

fn record(at_ms: i64, path: &str) -> Record {
    Record {
        seq: 0,
        at: Timestamp::from_millis(at_ms),
        last: Timestamp::from_millis(at_ms),
        count: 1,
        kind: "token".to_owned(),
        who: "id".to_owned(),
        name: "ci".to_owned(),
        address: "127.0.0.1".to_owned(),
        method: "PUT".to_owned(),
        path: path.to_owned(),
        status: 201,
    }
}

fn open() -> (camino_tempfile::Utf8TempDir, Store) {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = guard.path();
    let store = Store::open(&folder.join("stepwell.db")).expect("opened");
    (guard, store)
}

#[tokio::test]
async fn a_name_is_free_again_once_its_token_is_revoked() {
    let (_guard, store) = open();
    let first = token("ci");
    let (id, made) = (first.id, first.clone());
    let add = |token: Token| store.write(move |db| tokens::insert(db, &token));
    add(first).await.expect("added");
    let again = add(token("ci")).await.expect_err("the name is taken");
    assert!(matches!(again, Error::Conflict(_)), "{again}");

    let revoke = move |db: &_| tokens::revoke(db, id, Timestamp::from_millis(5));
    let revoked = store.write(revoke).await.expect("revoked").expect("found");
    assert_eq!(revoked.revoked, Some(Timestamp::from_millis(5)));
    assert_eq!(
        Token {
            revoked: None,
            ..revoked
        },
        made
    );
    let later = move |db: &_| tokens::revoke(db, id, Timestamp::from_millis(7));
    let twice = store.write(later).await.expect("revoked").expect("found");
    assert_eq!(twice.revoked, Some(Timestamp::from_millis(5)), "once");

    add(token("ci")).await.expect("the name is free");
    assert_eq!(store.read(tokens::list).await.expect("listed").len(), 2);
}

#[tokio::test]
async fn what_comes_often_is_counted_by_the_hour() {
    let (_guard, store) = open();
    let hour = 3_600_000;
    let asked = [
        (hour, "/metrics", Detail::Hourly),
        (hour + 5, "/metrics", Detail::Hourly),
        (hour + 6, "/runs", Detail::Each),
        (hour + 6, "/runs", Detail::Each),
        (2 * hour, "/metrics", Detail::Hourly),
    ];
    for (at, path, detail) in asked {
        let record = record(at, path);
        let add = move |db: &_| audit::add(db, &record, detail);
        store.write(add).await.expect("added");
    }
    let found = store.read(|db| audit::list(db, None, 10)).await;
    let found = found.expect("listed");
    let summary = |record: &Record| {
        let times = (record.at.as_millis(), record.last.as_millis());
        (record.path.clone(), record.count, times)
    };
    let expected = [
        ("/metrics".to_owned(), 1, (2 * hour, 2 * hour)),
        ("/runs".to_owned(), 1, (hour + 6, hour + 6)),
        ("/runs".to_owned(), 1, (hour + 6, hour + 6)),
        ("/metrics".to_owned(), 2, (hour, hour + 5)),
    ];
    assert_eq!(found.iter().map(summary).collect::<Vec<_>>(), expected);
    let second = found[1].seq;
    let older = store.read(move |db| audit::list(db, Some(second), 1)).await;
    assert_eq!(older.expect("listed"), found[2..3]);
}

#[tokio::test]
async fn the_audit_forgets_what_is_too_much_and_too_old() {
    let (_guard, store) = open();
    let extra = 600;
    let fill = move |db: &_| {
        for n in 0..RECORDS_MAX + extra {
            audit::add(db, &record(n, "/runs"), Detail::Each)?;
        }
        Ok(())
    };
    store.write(fill).await.expect("filled");
    let all = store.read(|db| audit::list(db, None, usize::MAX / 2)).await;
    let all = all.expect("listed").len();
    let kept = usize::try_from(RECORDS_MAX).expect("a size");
    assert!((kept..kept + 256).contains(&all), "{all}");

    let later = move |db: &_| {
        for _ in 0..256 {
            let now = audit::AGE_MAX_MS + 2 * RECORDS_MAX;
            audit::add(db, &record(now, "/later"), Detail::Each)?;
        }
        Ok(())
    };
    store.write(later).await.expect("added");
    let left = store.read(|db| audit::list(db, None, 1_000)).await;
    let left = left.expect("listed");
    assert!((1..=256).contains(&left.len()), "{}", left.len());
    assert!(left.iter().all(|record| record.path == "/later"));
}
