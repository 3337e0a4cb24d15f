//! What the cache keeps and throws away, seen in the files it holds. A folder stands for the far side.

use std::fs::FileTimes;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use camino_tempfile::Utf8TempDir;
use stepwell_datastore::cache::Cache;
use stepwell_datastore::definition::Place;
use stepwell_datastore::transfer::{Lanes, Progress};
use stepwell_datastore::{Credentials, Datastore};

struct Rig {
    root: Utf8TempDir,
    store: Datastore,
    cache: Cache,
}

impl Rig {
    /// A far side with four files of 100 bytes, and a cache that holds `bytes_max`.
    fn new(bytes_max: u64) -> Self {
        let root = camino_tempfile::tempdir().expect("a folder");
        let path = root.path();
        let far = path.join("far");
        fs_err::create_dir(&far).expect("a folder");
        for name in ["a", "b", "c", "d"] {
            fs_err::write(far.join(name), name.repeat(100)).expect("a file");
        }
        let place = Place::Local { root: far };
        Self {
            store: Datastore::new("far", place, Credentials::new()),
            cache: Cache::open(&path.join("cache"), bytes_max).expect("a cache"),
            root,
        }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.root.path().join(name)
    }

    /// Gives a file to a reader, and what it reads.
    async fn read(&self, name: &str) -> (Utf8PathBuf, String) {
        let entry = self.store.stat(name).await.expect("a file");
        let target = self.path(&format!("read-{name}"));
        let (lanes, progress) = (Lanes::default(), Progress::default());
        self.cache
            .link(&self.store, &entry, &target, &lanes, &progress)
            .await
            .expect("a link");
        let text = fs_err::read_to_string(&target).expect("a text");
        (target, text)
    }

    /// The same, and the reader is done with it.
    async fn read_and_leave(&self, name: &str) {
        let (target, text) = self.read(name).await;
        assert_eq!(text, name.repeat(100));
        fs_err::remove_file(target).expect("a link");
    }

    /// The files of which something is kept, by the letter that they are made of.
    fn kept(&self) -> String {
        let mut kept: Vec<String> = self
            .places()
            .iter()
            .map(|place| fs_err::read_to_string(place).expect("a text")[..1].to_owned())
            .collect();
        kept.sort();
        kept.concat()
    }

    fn places(&self) -> Vec<Utf8PathBuf> {
        let entries = self.path("cache").read_dir_utf8().expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").into_path())
            .collect()
    }

    /// Sets when each kept file was last used, in the order of their letters unless it is `late`.
    fn age(&self, late: &str) {
        for place in self.places() {
            let letter = fs_err::read_to_string(&place).expect("a text")[..1].to_owned();
            let rank = "abcd".find(&letter).expect("a letter") as u64;
            let rank = if letter == late { 10 } else { rank };
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + rank);
            let file = std::fs::File::open(&place).expect("a file");
            file.set_times(FileTimes::new().set_accessed(used))
                .expect("a time");
        }
    }
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let rig = Rig::new(350);
    for name in ["a", "b", "c"] {
        rig.read_and_leave(name).await;
    }
    assert_eq!(rig.kept(), "abc");
    rig.age("a");
    rig.read_and_leave("d").await;
    assert_eq!(rig.kept(), "acd");
}

#[tokio::test]
async fn what_is_read_again_counts_as_used() {
    let rig = Rig::new(350);
    for name in ["a", "b", "c"] {
        rig.read_and_leave(name).await;
    }
    rig.age("");
    rig.read_and_leave("a").await;
    rig.read_and_leave("d").await;
    assert_eq!(rig.kept(), "acd");
}

#[tokio::test]
async fn what_somebody_reads_is_never_thrown_away() {
    let rig = Rig::new(150);
    let (first, _) = rig.read("a").await;
    let (second, _) = rig.read("b").await;
    assert_eq!(rig.kept(), "ab", "the bound is passed while both are read");
    assert_eq!(fs_err::metadata(&first).expect("a file").nlink(), 2);
    fs_err::remove_file(first).expect("a link");
    fs_err::remove_file(second).expect("a link");
    rig.read_and_leave("c").await;
    assert_eq!(rig.kept(), "c");
}

#[tokio::test]
async fn one_larger_than_the_bound_goes_with_the_next() {
    let rig = Rig::new(50);
    rig.read_and_leave("a").await;
    assert_eq!(rig.kept(), "a");
    rig.read_and_leave("b").await;
    assert_eq!(rig.kept(), "b");
}

#[tokio::test]
async fn one_that_somebody_wrote_to_is_fetched_anew() {
    let rig = Rig::new(1000);
    let (target, _) = rig.read("a").await;
    fs_err::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).expect("a file");
    fs_err::write(&target, "z".repeat(100)).expect("a file");
    assert_eq!(rig.kept(), "z");
    rig.read_and_leave("a").await;
    assert_eq!(rig.kept(), "a");
}

#[tokio::test]
async fn one_that_changed_is_fetched_and_what_a_killed_server_left_is_not_taken_for_it() {
    let rig = Rig::new(1000);
    rig.read_and_leave("a").await;
    fs_err::write(rig.path("far/a"), "y".repeat(50)).expect("a file");
    assert_eq!(rig.read("a").await.1, "y".repeat(50));
    fs_err::write(rig.path("cache/.part-1-0"), "half").expect("a file");
    drop(Cache::open(&rig.path("cache"), 1000).expect("a cache"));
    assert_eq!(rig.kept(), "ay");
}
