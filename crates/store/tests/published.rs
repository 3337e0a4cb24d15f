//! Published pipelines, endpoints and drafts: what is kept, what is refused, what must live.

use std::collections::BTreeMap;

use stepwell_model::{
    DatasetValue, Digest, Input, InputSource, Parameter, Place, ProcessTask, Program, StepSpec,
    Template, Timestamp, testing,
};
use stepwell_store::drafts::{self, Draft, Origin};
use stepwell_store::endpoints::{self, Change};
use stepwell_store::published::{self, Published, References};
use stepwell_store::{Error, Store};
use tokio::runtime::Runtime;
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn template(dataset: &str) -> Template {
    let place = |path: &str| Place {
        datastore: "store".to_owned(),
        path: path.to_owned(),
    };
    let value = DatasetValue {
        id: dataset.to_owned(),
        place: Some(place("views/1")),
    };
    let script = testing::process(Program::Script("train.py".to_owned()));
    let step = StepSpec {
        name: "train".to_owned(),
        inputs: vec![Input {
            name: "raw".to_owned(),
            source: InputSource::Datastore {
                datastore: "store".to_owned(),
                path: "raw".to_owned(),
            },
            download: false,
            path_on_compute: None,
        }],
        allow_reuse: true,
        ..testing::step(ProcessTask {
            snapshot: Some(Digest::new([7; 32])),
            variables: BTreeMap::from([(
                "table".to_owned(),
                "0192f5c4-1111-7222-8333-444455556666".to_owned(),
            )]),
            ..script
        })
    };
    Template {
        parameters: BTreeMap::from([("data".to_owned(), Parameter::Dataset(value))]),
        steps: vec![step],
        ..Template::default()
    }
}

fn pipeline(number: u128, template: &Template) -> Published {
    Published {
        seq: 0,
        id: Uuid::from_u128(number),
        name: format!("pipeline {number}"),
        description: String::new(),
        version: None,
        active: true,
        continue_on_failure: None,
        steps: 1,
        parameters: template.parameters.clone(),
        run: None,
        user: String::new(),
        created: AT,
        changed: AT,
    }
}

fn with_store(work: impl AsyncFnOnce(Store)) {
    let folder = camino_tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("stepwell.db");
    let store = Store::open(&path).expect("opens");
    Runtime::new().expect("a runtime").block_on(work(store));
}

#[test]
fn a_published_pipeline_stays_as_it_is_and_names_what_must_live() {
    with_store(async |store| {
        let kept = template("d1");
        let made = kept.clone();
        let write = move |db: &_| {
            let text = serde_json::to_string(&made).expect("JSON");
            for number in 1..=3 {
                published::insert(db, &pipeline(number, &made), &text, &References::of(&made))?;
            }
            published::set_active(db, Uuid::from_u128(2), false, AT)
        };
        assert!(store.write(write).await.expect("it is there"));
        let id = Uuid::from_u128(1);
        let read = store.read(move |db| published::template(db, id)).await;
        assert_eq!(read.expect("reads"), Some(kept));
        let listed = store.read(|db| {
            let active = published::list(db, true, None, 10)?;
            let page = published::list(db, false, None, 2)?;
            let rest = published::list(db, false, page.last().map(|last| last.seq), 2)?;
            Ok([active, page, rest])
        });
        let ids = |found: Vec<Published>| found.iter().map(|one| one.id.as_u128()).collect();
        let listed: Vec<Vec<u128>> = listed.await.expect("reads").into_iter().map(ids).collect();
        assert_eq!(listed, [vec![3, 1], vec![3, 2], vec![1]]);
        let needs = store.read(published::needed).await.expect("reads");
        assert_eq!(
            needs.snapshots.into_iter().collect::<Vec<_>>(),
            ["07".repeat(32)]
        );
        let read = "0192f5c4-1111-7222-8333-444455556666";
        assert_eq!(needs.datasets.into_iter().collect::<Vec<_>>(), [read, "d1"]);
        let places = needs.places.into_iter().collect::<Vec<_>>();
        assert_eq!(places, ["store/raw", "store/views/1"]);
    });
}

#[test]
fn an_endpoint_numbers_its_versions_and_keeps_its_default() {
    with_store(async |store| {
        let id = Uuid::from_u128(9);
        let one = Uuid::from_u128(1);
        let two = Uuid::from_u128(2);
        let made = store.write(move |db| {
            endpoints::create(db, id, "nightly", "", one, AT)?;
            endpoints::add(db, id, two, true, AT)
        });
        let made = made.await.expect("made").expect("there");
        assert_eq!(
            (made.default_version, &made.versions[..]),
            (1, &[(0, one), (1, two)][..])
        );
        let again = store
            .write(move |db| endpoints::add(db, id, one, false, AT))
            .await;
        assert!(matches!(again, Err(Error::Conflict(text)) if text.contains("version 0")));
        let other = Uuid::from_u128(10);
        let taken = store.write(move |db| endpoints::create(db, other, "nightly", "", one, AT));
        assert!(matches!(taken.await, Err(Error::Conflict(_))));
        let wrong = Change {
            default_version: Some(7),
            ..Change::default()
        };
        let wrong = store
            .write(move |db| endpoints::change(db, id, wrong, AT))
            .await;
        assert!(matches!(wrong, Err(Error::Conflict(_))));
        let archive = Change {
            name: Some("away".to_owned()),
            active: Some(false),
            ..Change::default()
        };
        let archived = store
            .write(move |db| endpoints::change(db, id, archive, AT))
            .await;
        assert!(!archived.expect("changed").expect("there").active);
        let free = store.write(move |db| endpoints::create(db, other, "nightly", "", one, AT));
        free.await.expect("the name is free");
        let found = store.read(|db| endpoints::find_named(db, "nightly")).await;
        assert_eq!(found.expect("reads").map(|found| found.id), Some(other));
    });
}

#[test]
fn a_draft_needs_what_it_names_as_long_as_it_is_there() {
    with_store(async |store| {
        let id = Uuid::from_u128(5);
        let mut draft = Draft {
            seq: 1,
            id,
            name: "draft".to_owned(),
            description: String::new(),
            experiment: "e".to_owned(),
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            properties: BTreeMap::new(),
            template: template("d1"),
            origin: Origin {
                pipeline: Some(Uuid::from_u128(1)),
                ..Origin::default()
            },
            last_run: None,
            user: String::new(),
            created: AT,
            changed: AT,
        };
        let first = draft.clone();
        store
            .write(move |db| drafts::save(db, &first))
            .await
            .expect("kept");
        draft.template = template("d2");
        let second = draft.clone();
        store
            .write(move |db| drafts::save(db, &second))
            .await
            .expect("changed");
        let found = store
            .read(move |db| drafts::find(db, id))
            .await
            .expect("reads");
        assert_eq!(found, Some(draft));
        let needs = store.read(published::needed).await.expect("reads");
        assert!(needs.datasets.contains("d2") && !needs.datasets.contains("d1"));
        let other = BTreeMap::from([("a".to_owned(), "c".to_owned())]);
        let listed = store
            .read(move |db| drafts::list(db, &other, None, 9))
            .await;
        assert_eq!(listed.expect("reads"), []);
        assert!(
            store
                .write(move |db| drafts::delete(db, id))
                .await
                .expect("deleted")
        );
        let needs = store.read(published::needed).await.expect("reads");
        assert_eq!(needs, References::default());
    });
}
