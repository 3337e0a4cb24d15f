//! Ring 3: versions of datasets on a real file.

use std::collections::BTreeMap;

use stepwell_model::{DatasetDefinition, DatasetKind, Timestamp};
use stepwell_store::datasets::{self, Dataset, DatasetFile, KnownName};
use stepwell_store::{Error, NamedPart, Store};
use uuid::Uuid;

fn dataset(id: u128, digest: &str, modified_ns: i64) -> Dataset {
    Dataset {
        id: Uuid::from_u128(id),
        name: None,
        version: None,
        kind: DatasetKind::File,
        definition: DatasetDefinition::stored("{}".to_owned()),
        files: vec![DatasetFile {
            datastore: "blob".to_owned(),
            path: "a.csv".to_owned(),
            size: 3,
            modified_ns,
            digest: Some(digest.to_owned()),
            etag: None,
        }],
        tags: BTreeMap::new(),
        description: String::new(),
        created: Timestamp::from_millis(1),
    }
}

#[tokio::test]
async fn a_version_is_added_for_new_content_only_and_its_number_never_comes_back() {
    let folder = camino_tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = Store::open(&path).expect("opened");
    let work = |db: &stepwell_store::Connection| {
        let add = |id, digest, time| {
            datasets::register(db, "d", dataset(id, digest, time), KnownName::NewVersion)
        };
        assert_eq!(add(1, "x", 1)?.version, Some(1));
        assert_eq!(add(2, "x", 9)?.id, Uuid::from_u128(1), "only touched");
        assert_eq!(add(3, "y", 9)?.version, Some(2));
        let refused = datasets::register(db, "d", dataset(4, "z", 1), KnownName::Refuse);
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        let listed = datasets::list(db, &NamedPart::default())?;
        assert_eq!((listed.len(), listed[0].version), (1, Some(2)));
        let first = datasets::find_named(db, "d", Some(1))?.expect("there");
        assert_eq!(first.files[0].digest.as_deref(), Some("x"));

        assert_eq!(datasets::unregister(db, "d")?, 2);
        assert!(datasets::find_named(db, "d", None)?.is_none());
        assert!(datasets::find(db, Uuid::from_u128(1))?.is_some());
        assert_eq!(add(5, "x", 1)?.version, Some(3));
        Ok(())
    };
    store.write(work).await.expect("worked");
}
