//! Making room in a real data folder with a real database. Ages come from the database; files
//! that must look old are made so.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use stepwell_data::snapshot::{ScanOptions, scan, store};
use stepwell_model::{DatasetDefinition, DatasetKind, Digest, Outcome, RunKind, RunStatus, Usage};
use stepwell_store::datasets::{self, Dataset, KnownName};
use stepwell_store::runs::{NewRun, OutputPlace};
use stepwell_store::schedules::{Progress, Schedule, Starts};
use stepwell_store::{experiments, journal, models, reuse, runs, schedules};
use uuid::Uuid;

use super::*;

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_000 * DAY;

/// Files of the workspace's first datastore.
fn definition(path: &str) -> DatasetDefinition {
    let text = format!(r#"{{"places":[{{"datastore":"workspaceblobstore","path":"{path}"}}]}}"#);
    DatasetDefinition::parse(&text).expect("a definition")
}

struct World {
    _temp: camino_tempfile::Utf8TempDir,
    place: GcScope,
}

/// A run of one step that is over, with its outputs, its log and its snapshot.
#[derive(Debug, Clone)]
struct Made {
    run: RunId,
    output: String,
    snapshot: Digest,
}

impl World {
    fn new() -> Self {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let root = temp.path().to_owned();
        let folder = DataFolder::new(root.join("data-folder"));
        fs_err::create_dir_all(folder.root()).expect("made");
        let place = GcScope {
            cas: Cas::open(&folder.objects()).expect("opened"),
            store: Store::open(&folder.database()).expect("opened"),
            folder,
        };
        Self { _temp: temp, place }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> stepwell_store::Result<T> + Send + 'static,
    ) -> T {
        self.place.store.write(work).await.expect("written")
    }

    fn file(&self, path: &Utf8Path, text: &str) {
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs_err::write(path, text).expect("written");
    }

    /// A script run that ended so many days ago.
    async fn run(&self, days_ago: i64) -> Made {
        let run = RunId::new(Uuid::now_v7());
        let source = self.place.folder.root().join("source");
        self.file(&source.join("main.py"), &format!("# {run}"));
        let tree = scan(&source, ScanOptions::default()).expect("scanned");
        let snapshot = store(&self.place.cas, &tree).expect("stored");
        let output = format!("azureml/{run}/out");
        let place = self
            .place
            .folder
            .datastore("workspaceblobstore")
            .join(&output);
        self.file(&place.join("x"), &"data".repeat(2_000));
        self.file(&self.place.folder.run_log(run), "said");
        self.insert(run, days_ago, Some((snapshot, output.clone())), None)
            .await;
        Made {
            run,
            output,
            snapshot,
        }
    }

    async fn insert(
        &self,
        run: RunId,
        days_ago: i64,
        made: Option<(Digest, String)>,
        reused_from: Option<RunId>,
    ) {
        let at = Timestamp::from_millis(NOW - days_ago * DAY);
        self.write(move |db| {
            let experiment = experiments::ensure(db, "e", Uuid::now_v7(), at)?;
            let place = |(_, path): &(Digest, String)| OutputPlace {
                name: "out".to_owned(),
                datastore: "workspaceblobstore".to_owned(),
                path: path.clone(),
                run,
            };
            runs::insert(
                db,
                &NewRun {
                    id: run,
                    kind: RunKind::Script,
                    experiment: experiment.id,
                    display_name: "r".to_owned(),
                    description: String::new(),
                    status: RunStatus::NotStarted,
                    parent: None,
                    root: run,
                    step: None,
                    step_kind: None,
                    target: None,
                    snapshot: made.as_ref().map(|(digest, _)| digest.to_string()),
                    user: String::new(),
                    tags: BTreeMap::new(),
                    properties: BTreeMap::new(),
                    parameters: BTreeMap::new(),
                    outputs: made.iter().map(place).collect(),
                    published: None,
                    created: at,
                    idempotency_key: None,
                },
            )?;
            if let Some(source) = reused_from {
                let step = stepwell_model::StepIndex(0);
                let key = Digest::new([0; 32]);
                let event = stepwell_model::Event::Reused { step, source, key };
                journal::append(db, run, run, &event, at)?;
            }
            Ok(())
        })
        .await;
    }

    async fn end(&self, run: RunId, days_ago: i64) {
        let at = Timestamp::from_millis(NOW - days_ago * DAY);
        self.write(move |db| {
            let usage = Usage {
                ended: Some(at),
                ..Usage::default()
            };
            let event = stepwell_model::Event::Ended {
                step: stepwell_model::StepIndex(0),
                attempt: 1,
                outcome: Outcome::Succeeded(usage),
            };
            journal::append(db, run, run, &event, at).map(drop)
        })
        .await;
    }

    /// A run that is over, everything of which is old.
    async fn old(&self, days_ago: i64) -> Made {
        let made = self.run(days_ago).await;
        self.end(made.run, days_ago).await;
        self.age();
        made
    }

    /// A dataset that is known by its id alone, of a run's output.
    async fn dataset_without_a_name(&self, made: &Made) -> Uuid {
        let id = Uuid::now_v7();
        let dataset = Dataset {
            id,
            name: None,
            version: None,
            kind: DatasetKind::File,
            definition: definition(&made.output),
            files: Vec::new(),
            tags: BTreeMap::new(),
            description: String::new(),
            created: Timestamp::from_millis(0),
        };
        self.write(move |db| datasets::save(db, dataset).map(drop))
            .await;
        id
    }

    /// A published pipeline with these needs.
    async fn publish(&self, needs_json: String) -> Uuid {
        let id = Uuid::now_v7();
        let insert = "INSERT INTO published (id, name, steps, parameters_json, template_json,
            needs_json, created_ms, changed_ms) VALUES (?, 'p', 1, '{}', '{}', ?, 0, 0)";
        self.write(move |db| {
            let bytes = id.as_bytes().to_vec();
            Ok(db.prepare(insert)?.execute((bytes, needs_json))?)
        })
        .await;
        id
    }

    /// Makes every file look as if nobody had touched it for a long time.
    fn age(&self) {
        let long_ago = SystemTime::now() - Duration::from_secs(30 * 86_400);
        let times = std::fs::FileTimes::new().set_modified(long_ago);
        let mut line = vec![self.place.folder.root().to_owned()];
        while let Some(folder) = line.pop() {
            for entry in folder.read_dir_utf8().expect("a folder").flatten() {
                let file = std::fs::File::open(entry.path()).expect("opened");
                file.set_times(times).expect("set");
                if entry.path().is_dir() {
                    line.push(entry.into_path());
                }
            }
        }
    }

    async fn gc(&self, asked: GcRequest) -> GcReport {
        let now = Timestamp::from_millis(NOW);
        collect(self.place.clone(), asked, now).await.expect("done")
    }

    async fn older_than(&self, days: u64) -> GcReport {
        self.gc(GcRequest {
            older_than_seconds: Some(days * 86_400),
            ..GcRequest::default()
        })
        .await
    }

    fn has_outputs(&self, made: &Made) -> bool {
        let store = self.place.folder.datastore("workspaceblobstore");
        store.join(&made.output).join("x").exists()
    }

    fn has_log(&self, made: &Made) -> bool {
        self.place.folder.run_log(made.run).exists()
    }

    /// Whether the snapshot can still be written out.
    fn has_code(&self, made: &Made) -> bool {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let path = temp.path().join("w");
        stepwell_data::snapshot::materialise(&self.place.cas, &made.snapshot, &path).is_ok()
    }

    fn has_all(&self, made: &Made) -> bool {
        self.has_outputs(made) && self.has_log(made) && self.has_code(made)
    }

    fn has_nothing(&self, made: &Made) -> bool {
        !self.has_outputs(made) && !self.has_log(made) && !self.has_code(made)
    }
}

#[tokio::test]
async fn old_runs_lose_their_files_and_stay_in_the_history() {
    let world = World::new();
    let (old, new) = (world.old(40).await, world.old(10).await);
    let dry = world
        .gc(GcRequest {
            older_than_seconds: Some(30 * 86_400),
            dry_run: true,
            ..GcRequest::default()
        })
        .await;
    assert!(world.has_all(&old), "a dry run removes nothing");
    let report = world.older_than(30).await;
    assert_eq!(
        report.freed_bytes, dry.freed_bytes,
        "and says what would go"
    );
    assert!(report.complete && report.freed_bytes > 8_000);
    assert!(world.has_nothing(&old) && world.has_all(&new));
    let (gone, read) = (old.run, world.place.store.clone());
    let row = read
        .read(move |db| runs::find(db, gone))
        .await
        .expect("read");
    assert_eq!(
        row.expect("a row").pruned,
        Some(Timestamp::from_millis(NOW))
    );
    assert!(!world.place.folder.trash().join("x").exists());
    assert!(
        world.older_than(30).await.removed.is_empty(),
        "once is enough"
    );
}

#[tokio::test]
async fn without_an_age_and_a_size_only_what_is_nobodys_goes() {
    let world = World::new();
    let kept = world.old(400).await;
    let orphan = world.place.folder.run(RunId::new(Uuid::now_v7()));
    world.file(&orphan.join("files/x"), "x");
    let left = world.place.folder.run(kept.run).join("work/x");
    world.file(&left, "x");
    let over = world.old(400).await;
    let handed_on = world.place.folder.run(over.run).join("work/x");
    world.file(&handed_on, "x");
    let lonely = world.place.cas.put_bytes(b"nobody's").expect("stored");
    let fresh_orphan = world.place.folder.run(RunId::new(Uuid::now_v7()));
    world.age();
    world.file(&fresh_orphan.join("files/x"), "x");
    let record = world.place.folder.run(over.run).join("claim.json");
    world.file(&record, "its end, a moment ago");
    let wanted = world
        .place
        .cas
        .put_bytes(b"about to be submitted")
        .expect("stored");
    let report = world.gc(GcRequest::default()).await;
    assert!(world.has_all(&kept));
    assert!(!orphan.exists() && !left.exists() && !world.place.cas.has(&lonely));
    assert!(fresh_orphan.exists() && world.place.cas.has(&wanted) && handed_on.exists());
    let kinds: Vec<&str> = report
        .removed
        .iter()
        .map(|share| share.kind.name())
        .collect();
    assert_eq!(kinds, ["objects", "leftovers"]);
}

#[tokio::test]
async fn while_a_definition_cannot_be_read_no_outputs_go() {
    let world = World::new();
    let old = world.old(400).await;
    let unreadable = "UPDATE datasets SET definition_json = '{\"places\":' WHERE name IS NOT NULL";
    world
        .write(move |db| {
            let dataset = Dataset {
                id: Uuid::now_v7(),
                name: None,
                version: None,
                kind: DatasetKind::File,
                definition: definition("elsewhere"),
                files: Vec::new(),
                tags: BTreeMap::new(),
                description: String::new(),
                created: Timestamp::from_millis(0),
            };
            datasets::register(db, "d", dataset, KnownName::Refuse)?;
            db.execute(unreadable, [])?;
            Ok(())
        })
        .await;
    world.older_than(30).await;
    assert!(world.has_outputs(&old) && !world.has_log(&old));
    world
        .write(|db| Ok(db.execute("DELETE FROM datasets", [])?))
        .await;
    world.older_than(30).await;
    assert!(world.has_nothing(&old));
}

#[tokio::test]
async fn what_datasets_models_and_reusable_steps_need_stays() {
    let world = World::new();
    let (registered, by_model, reusable) = (
        world.old(400).await,
        world.old(400).await,
        world.old(400).await,
    );
    let (place, digest, run) = (registered.output.clone(), by_model.snapshot, reusable.run);
    world
        .write(move |db| {
            let dataset = Dataset {
                id: Uuid::now_v7(),
                name: None,
                version: None,
                kind: DatasetKind::File,
                definition: definition(&format!("{place}/*.csv")),
                files: Vec::new(),
                tags: BTreeMap::new(),
                description: String::new(),
                created: Timestamp::from_millis(0),
            };
            datasets::register(db, "d", dataset, KnownName::Refuse)?;
            let model = models::Model {
                name: "m".to_owned(),
                version: 0,
                run: None,
                snapshot: digest.to_string(),
                is_file: true,
                files: Vec::new(),
                tags: BTreeMap::new(),
                properties: BTreeMap::new(),
                description: String::new(),
                framework: None,
                framework_version: None,
                datasets: Vec::new(),
                samples: models::ModelSamples::default(),
                resources: None,
                user: String::new(),
                created: Timestamp::from_millis(0),
            };
            models::insert(db, model)?;
            let record = reuse::Reusable {
                run,
                parts_json: "[]".to_owned(),
                outputs_json: "[]".to_owned(),
                at: Timestamp::from_millis(0),
            };
            reuse::remember(db, &Digest::new([9; 32]), "step", &record)
        })
        .await;
    world.older_than(30).await;
    assert!(world.has_outputs(&registered) && !world.has_log(&registered));
    assert!(world.has_code(&by_model) && !world.has_outputs(&by_model));
    assert!(world.has_all(&reusable));

    let report = world
        .gc(GcRequest {
            older_than_seconds: Some(30 * 86_400),
            reusable: true,
            ..GcRequest::default()
        })
        .await;
    assert!(report.freed_bytes > 8_000 && world.has_nothing(&reusable));
    let found = world
        .place
        .store
        .read(|db| reuse::find(db, &Digest::new([9; 32])))
        .await;
    assert_eq!(found.expect("read"), None, "nobody is offered what is gone");
    assert!(world.has_outputs(&registered) && world.has_code(&by_model));
}

#[tokio::test]
async fn what_a_published_pipeline_reads_stays() {
    let world = World::new();
    let (by_place, by_dataset, other) = (
        world.old(400).await,
        world.old(400).await,
        world.old(400).await,
    );
    let dataset = world.dataset_without_a_name(&by_dataset).await;
    let needs = serde_json::json!({
        "snapshots": [],
        "datasets": [dataset.to_string()],
        "places": [format!("workspaceblobstore/{}", by_place.output)],
    });
    world.publish(needs.to_string()).await;
    world.older_than(30).await;
    assert!(world.has_outputs(&by_place) && world.has_outputs(&by_dataset));
    assert!(world.has_nothing(&other));
}

#[tokio::test]
async fn what_a_schedule_gives_its_runs_stays() {
    let world = World::new();
    let (by_dataset, other) = (world.old(400).await, world.old(400).await);
    let dataset = world.dataset_without_a_name(&by_dataset).await;
    let submission = serde_json::json!({"datasets": {"rows": {"id": dataset.to_string()}}});
    let pipeline = world
        .publish(r#"{"snapshots":[],"datasets":[],"places":[]}"#.to_owned())
        .await;
    let schedule = Schedule {
        seq: 0,
        id: Uuid::now_v7(),
        name: "nightly".to_owned(),
        description: String::new(),
        starts: Starts::Pipeline(pipeline),
        trigger_json: "{}".to_owned(),
        trigger_set: Timestamp::from_millis(0),
        policy_json: "{}".to_owned(),
        submission_json: submission.to_string(),
        progress: Progress {
            enabled: true,
            cursor: Timestamp::from_millis(0),
            disabled_until: Timestamp::from_millis(0),
        },
        user: String::new(),
        created: Timestamp::from_millis(0),
        changed: Timestamp::from_millis(0),
    };
    world
        .write(move |db| schedules::insert(db, &schedule).map(drop))
        .await;
    world.older_than(30).await;
    assert!(world.has_outputs(&by_dataset));
    assert!(world.has_nothing(&other));
}

#[tokio::test]
async fn an_active_run_and_what_stands_in_for_a_young_one_stay() {
    let world = World::new();
    let active = world.run(400).await;
    let source = world.old(400).await;
    let young = RunId::new(Uuid::now_v7());
    world.insert(young, 1, None, Some(source.run)).await;
    world.age();
    world.older_than(30).await;
    assert!(world.has_all(&active) && world.has_all(&source));
}

#[tokio::test]
async fn by_size_the_oldest_goes_first_and_no_more_than_has_to() {
    let world = World::new();
    let (oldest, newer) = (world.old(40).await, world.old(30).await);
    let all = world.gc(GcRequest::default()).await;
    let room = all.unmanaged_bytes + all.kept.iter().map(|share| share.bytes).sum::<u64>();
    let keep = |bytes| GcRequest {
        keep_bytes: Some(bytes),
        ..GcRequest::default()
    };
    assert!(
        world.gc(keep(2 * room)).await.removed.is_empty(),
        "there is room"
    );
    world.gc(keep(room - 4_096)).await;
    assert!(world.has_nothing(&oldest) && world.has_all(&newer));
}

#[tokio::test]
async fn data_of_the_users_and_places_of_a_name_of_their_own_are_left_alone() {
    let world = World::new();
    let made = world.old(400).await;
    let store = world.place.folder.datastore("workspaceblobstore");
    let (mine, outside) = (
        store.join("mine/x.csv"),
        world.place.folder.root().join("../outside"),
    );
    world.file(&mine, "mine");
    world.file(&outside.join("x"), "outside");
    // The folder of a run that is a link is taken away as a link.
    let run = world.place.folder.run(made.run);
    std::os::unix::fs::symlink(&outside, run.join("link")).expect("linked");
    let run = made.run;
    world
        .write(move |db| {
            let places = serde_json::json!([
                {"name": "a", "datastore": "workspaceblobstore", "path": "mine", "run": run},
                {"name": "b", "datastore": "elsewhere", "path": format!("{run}/x"), "run": run},
                {"name": "c", "datastore": "workspaceblobstore",
                 "path": format!("../../outside/{run}/.."), "run": run},
            ]);
            let update = "UPDATE runs SET outputs_json = ?";
            Ok(db.prepare(update)?.execute([places.to_string()])?)
        })
        .await;
    world.older_than(30).await;
    assert!(mine.exists() && outside.join("x").exists());
    assert!(!world.has_log(&made));
}

#[tokio::test]
async fn a_removal_that_was_killed_after_it_was_noted_is_finished_by_the_next() {
    let world = World::new();
    let made = world.old(400).await;
    let run = made.run;
    world
        .write(move |db| retention::mark_pruned(db, &[run], Timestamp::from_millis(NOW)))
        .await;
    world.file(&world.place.folder.trash().join("half/x"), "x");
    let report = world.gc(GcRequest::default()).await;
    assert!(world.has_nothing(&made));
    assert!(report.complete && !world.place.folder.trash().join("half").exists());
}
