//! Ring 3: versions of models on a real file.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_model::Timestamp;
use stepwell_store::models::{
    self, Change, Filter, Model, ModelDataset, ModelFile, ModelSamples, Place,
};
use stepwell_store::{Connection, Error, Store};
use uuid::Uuid;

fn model(name: &str, created_ms: i64) -> Model {
    Model {
        name: name.to_owned(),
        version: 0,
        run: None,
        snapshot: "0".repeat(64),
        is_file: true,
        files: vec![ModelFile {
            name: "model.pkl".to_owned(),
            size: 3,
        }],
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        description: String::new(),
        framework: None,
        framework_version: None,
        datasets: Vec::new(),
        samples: ModelSamples::default(),
        resources: None,
        user: "ada".to_owned(),
        created: Timestamp::from_millis(created_ms),
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn named(filter: &Filter, db: &Connection, limit: usize) -> Vec<String> {
    let found = models::list(db, filter, limit).expect("listed");
    let found = found.iter();
    found
        .map(|model| format!("{}:{}", model.name, model.version))
        .collect()
}

async fn with_store<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
) -> T {
    let folder = camino_tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = Store::open(&path).expect("opened");
    store.write(work).await.expect("worked")
}

#[tokio::test]
async fn registrations_at_once_get_versions_of_their_own() {
    let folder = camino_tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = Store::open(&path).expect("opened");
    let mut waiting = Vec::new();
    for _ in 0..40 {
        let store = store.clone();
        waiting.push(tokio::spawn(async move {
            let made = store.write_durable(|db| models::insert(db, model("m", 5)));
            made.await.expect("registered").version
        }));
    }
    let mut versions = BTreeSet::new();
    for each in waiting {
        versions.insert(each.await.expect("ended"));
    }
    assert_eq!(versions, (1..=40).collect());
}

#[tokio::test]
async fn the_number_of_a_removed_version_never_comes_back() {
    with_store(|db| {
        models::insert(db, model("m", 1))?;
        models::insert(db, model("m", 2))?;
        assert!(models::remove(db, "m", 2)?);
        assert!(!models::remove(db, "m", 2)?);
        assert_eq!(models::insert(db, model("m", 3))?.version, 3);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_property_is_set_once_and_all_else_changes_together() {
    with_store(|db| {
        let mut first = model("m", 1);
        first.tags = texts(&[("a", "1"), ("b", "2")]);
        first.properties = texts(&[("p", "1")]);
        models::insert(db, first)?;
        let dataset = ModelDataset {
            scenario: "training".to_owned(),
            dataset: Uuid::from_u128(7),
        };
        let change = Change {
            description: Some("better".to_owned()),
            set_tags: texts(&[("c", "3")]),
            remove_tags: vec!["a".to_owned()],
            add_properties: texts(&[("p", "1"), ("q", "2")]),
            add_datasets: vec![dataset.clone(), dataset.clone()],
            samples: ModelSamples {
                input: Some(Uuid::from_u128(8)),
                output: None,
            },
            resources: Some(models::Resources {
                gpu: Some(2),
                ..models::Resources::default()
            }),
        };
        models::change(db, "m", 1, change)?;
        let read = models::find(db, "m", 1)?.expect("there");
        assert_eq!(read.tags, texts(&[("b", "2"), ("c", "3")]));
        assert_eq!(read.properties, texts(&[("p", "1"), ("q", "2")]));
        assert_eq!(read.datasets, [dataset]);
        assert_eq!(read.samples.input, Some(Uuid::from_u128(8)));
        assert_eq!(read.resources.and_then(|needed| needed.gpu), Some(2));

        let wrong = Change {
            description: Some("never".to_owned()),
            add_properties: texts(&[("p", "other")]),
            ..Change::default()
        };
        let refusal = models::change(db, "m", 1, wrong).expect_err("refused");
        assert!(matches!(&refusal, Error::Conflict(text) if text.contains("`p`")));
        let read = models::find(db, "m", 1)?.expect("there");
        assert_eq!((read.description.as_str(), &*read.user), ("better", "ada"));
        assert!(models::change(db, "m", 9, Change::default())?.is_none());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn lists_are_newest_first_in_pages_and_hold_what_the_filter_wants() {
    with_store(|db| {
        for (name, created) in [("m", 1), ("n", 9), ("m", 5), ("n", 2), ("o", 5)] {
            let mut made = model(name, created);
            made.tags = texts(&[("stage", if created == 5 { "prod" } else { "dev" })]);
            models::insert(db, made)?;
        }
        let all = ["n:2", "n:1", "o:1", "m:2", "m:1"];
        // The clock was set back before the second version of `n`; it is the newer one still.
        assert_eq!(named(&Filter::default(), db, 9), all);
        let latest = Filter {
            latest: true,
            ..Filter::default()
        };
        assert_eq!(named(&latest, db, 9), ["n:2", "o:1", "m:2"]);
        let tagged = Filter {
            name: Some("m".to_owned()),
            tags: vec![("stage".to_owned(), Some("dev".to_owned()))],
            ..Filter::default()
        };
        assert_eq!(named(&tagged, db, 9), ["m:1"]);

        let mut filter = Filter::default();
        let mut seen = Vec::new();
        loop {
            let page = models::list(db, &filter, 2)?;
            let Some(last) = page.last() else { break };
            filter.after = Some(Place {
                created: last.created,
                version: last.version,
                name: last.name.clone(),
            });
            seen.extend(
                page.iter()
                    .map(|each| format!("{}:{}", each.name, each.version)),
            );
        }
        assert_eq!(seen, all);
        Ok(())
    })
    .await;
}
