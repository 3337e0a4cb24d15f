//! Copies on this machine, with real files.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_datastore::definition::Place;
use stepwell_datastore::{Credentials, Datastore};
use stepwell_transfer::{Copy, End, Error, Options, Outcome, Progress, Refusal};

struct Rig {
    _folder: camino_tempfile::Utf8TempDir,
    root: Utf8PathBuf,
}

impl Rig {
    fn new() -> Self {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let root = folder.path().to_owned();
        Self {
            _folder: folder,
            root,
        }
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.root.join(name);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs_err::write(path, content).expect("written");
    }

    fn copy(&self, source: &str, destination: &str) -> Copy {
        Copy {
            source: End::plain(&self.root.join(source)),
            destination: End::plain(&self.root.join(destination)),
            options: Options::default(),
            state: Some(self.root.join("state")),
        }
    }

    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.root.join(folder), "", &mut found);
        found
    }
}

fn collect(folder: &Utf8Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in folder.read_dir_utf8().expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name());
        match entry.path().is_dir() {
            true => collect(entry.path(), &format!("{name}/"), found),
            false => {
                found.insert(name, fs_err::read(entry.path()).expect("read"));
            }
        }
    }
}

async fn run(copy: &Copy) -> Result<Outcome, Error> {
    let plan = copy.plan().await?;
    copy.perform(&plan, &Progress::default()).await
}

/// Bytes that differ everywhere.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[tokio::test]
async fn a_folder_is_merged_with_names_of_every_kind() {
    let rig = Rig::new();
    for name in [
        "empty",
        "a/b/c/d/deep",
        "ünï çødé/文件 %20#?&+",
        "-rf *",
        "back\\slash",
    ] {
        rig.write(&format!("from/{name}"), name.as_bytes());
    }
    rig.write("from/empty", b"");
    rig.write("to/stays", b"stays");
    rig.write("to/-rf *", b"is replaced");
    let outcome = run(&rig.copy("from", "to")).await.expect("copied");
    let mut expected = rig.files("from");
    expected.insert("stays".to_owned(), b"stays".to_vec());
    assert_eq!(rig.files("to"), expected);
    assert_eq!((outcome.files, outcome.skipped), (5, 0));
}

#[tokio::test]
async fn a_large_file_is_the_same_and_checked() {
    let rig = Rig::new();
    rig.write("large", &content((64 << 20) + 12_345));
    let mut copy = rig.copy("large", "to/large");
    copy.options.checksum = true;
    let outcome = run(&copy).await.expect("copied");
    assert_eq!(outcome.bytes, (64 << 20) + 12_345);
    let read = |name: &str| blake3::hash(&fs_err::read(rig.root.join(name)).expect("read"));
    assert_eq!(read("large"), read("to/large"));
}

#[tokio::test]
async fn an_incremental_copy_does_nothing_twice() {
    let rig = Rig::new();
    rig.write("from/a", b"one");
    rig.write("from/b", b"two");
    let mut copy = rig.copy("from", "to");
    copy.options.incremental = true;
    assert_eq!(run(&copy).await.expect("copied").files, 2);
    copy.forget();
    let again = run(&copy).await.expect("copied");
    assert_eq!((again.files, again.skipped), (0, 2));
    // The size and the time are those of the file that was copied; only its content differs.
    let modified = fs_err::metadata(rig.root.join("to/a"))
        .expect("there")
        .modified();
    rig.write("to/a", b"ONE");
    let file = std::fs::File::options()
        .append(true)
        .open(rig.root.join("to/a"))
        .expect("open");
    file.set_modified(modified.expect("a time")).expect("set");
    copy.options.checksum = true;
    let again = run(&copy).await.expect("copied");
    assert_eq!((again.files, again.skipped), (1, 1));
    assert_eq!(rig.files("to"), rig.files("from"));
}

#[tokio::test]
async fn a_finished_file_is_not_copied_by_the_next_try() {
    let rig = Rig::new();
    rig.write("from/a", b"one");
    rig.write("from/b", b"two");
    let copy = rig.copy("from", "to");
    run(&copy).await.expect("copied");
    fs_err::remove_file(rig.root.join("to/b")).expect("removed");
    let again = run(&copy).await.expect("copied");
    assert_eq!(again.resumed_bytes, 3, "`a` was there, `b` was not");
    assert_eq!(rig.files("to"), rig.files("from"));
}

#[tokio::test]
async fn a_part_file_that_was_left_is_gone_on_with_only_as_far_as_it_is_right() {
    let rig = Rig::new();
    let bytes = content((3 * 64) << 20);
    rig.write("from/large", &bytes);
    let copy = rig.copy("from", "to");
    let log = rig.root.join("state/transfer.jsonl");
    run(&copy).await.expect("copied");
    // As a kill leaves it: begun, not finished, the second of three chunks wrong.
    let begun = fs_err::read_to_string(&log).expect("read");
    let kept: Vec<&str> = begun
        .lines()
        .filter(|line| !line.contains("finished"))
        .collect();
    fs_err::write(&log, kept.join("\n")).expect("written");
    let target = rig.root.join("to/large");
    let name = blake3::hash(target.as_str().as_bytes()).to_hex()[..16].to_owned();
    let part = rig.root.join(format!("to/.stepwell-incoming-{name}"));
    let mut damaged = bytes.clone();
    damaged[100 << 20] ^= 1;
    fs_err::write(&part, damaged).expect("written");
    fs_err::remove_file(&target).expect("removed");
    let again = run(&copy).await.expect("copied");
    assert_eq!(again.resumed_bytes, 128 << 20);
    assert!(fs_err::read(&target).expect("read") == bytes);
    assert!(!part.exists());
}

#[tokio::test]
async fn nothing_is_written_through_a_link_of_a_datastore() {
    let rig = Rig::new();
    rig.write("from/link/a", b"one");
    rig.write("outside/b", b"two");
    fs_err::create_dir_all(rig.root.join("store")).expect("a folder");
    symlink(rig.root.join("outside"), rig.root.join("store/link")).expect("a link");
    let root = rig.root.join("store");
    let store = Datastore::new("lake", Place::Local { root }, Credentials::new());
    let mut copy = rig.copy("from", "-");
    copy.destination = End::on(std::sync::Arc::new(store), "");
    let error = run(&copy).await.expect_err("refused");
    assert!(error.to_string().contains("it is a link"), "{error}");
    assert_eq!(rig.files("outside").len(), 1);
}

#[tokio::test]
async fn nothing_is_read_through_a_link_that_leads_out_of_a_datastore() {
    let rig = Rig::new();
    rig.write("store/inside/a", b"one");
    rig.write("outside/secret", b"two");
    symlink(rig.root.join("outside"), rig.root.join("store/out")).expect("a link");
    symlink(rig.root.join("store/inside"), rig.root.join("store/alias")).expect("a link");
    let root = rig.root.join("store");
    let store = Datastore::new("lake", Place::Local { root }, Credentials::new());
    let store = std::sync::Arc::new(store);
    let mut copy = rig.copy("-", "to");
    copy.source = End::on(std::sync::Arc::clone(&store), "");
    run(&copy).await.expect("copied");
    assert_eq!(
        rig.files("to").into_keys().collect::<Vec<_>>(),
        ["alias/a", "inside/a"]
    );
    copy.source = End::on(store, "out/secret");
    let error = run(&copy).await.expect_err("refused");
    assert!(error.to_string().contains("leads outside"), "{error}");
}

#[tokio::test]
async fn links_are_followed_unless_they_lead_back() {
    let rig = Rig::new();
    rig.write("other/a", b"one");
    fs_err::create_dir_all(rig.root.join("from/x")).expect("a folder");
    symlink(rig.root.join("other"), rig.root.join("from/link")).expect("a link");
    run(&rig.copy("from", "to")).await.expect("copied");
    assert_eq!(rig.files("to").into_keys().collect::<Vec<_>>(), ["link/a"]);
    symlink(rig.root.join("from"), rig.root.join("from/x/up")).expect("a link");
    let error = run(&rig.copy("from", "to2")).await.expect_err("refused");
    assert!(matches!(error, Error::Loop(_)), "{error}");
}

#[tokio::test]
async fn two_ways_to_one_place_are_one_place() {
    let rig = Rig::new();
    rig.write("from/a", b"one");
    symlink(rig.root.join("from"), rig.root.join("alias")).expect("a link");
    let error = run(&rig.copy("from", "alias")).await.expect_err("refused");
    assert!(
        matches!(error, Error::Refused(Refusal::SamePlace(_))),
        "{error}"
    );
    assert_eq!(rig.files("from").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_or_written_is_named() {
    let rig = Rig::new();
    rig.write("from/a", b"one");
    rig.write("file", b"in the way");
    let error = run(&rig.copy("from", "file/below"))
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("file"), "{error}");
    let error = run(&rig.copy("missing", "to")).await.expect_err("refused");
    let path = rig.root.join("missing");
    assert_eq!(
        error.to_string(),
        format!("there is nothing to copy: `{path}` is not there")
    );
}

#[tokio::test]
async fn ten_thousand_small_files_arrive() {
    let rig = Rig::new();
    for index in 0..10_000 {
        rig.write(
            &format!("from/{}/{index}", index % 100),
            format!("{index}").as_bytes(),
        );
    }
    let outcome = run(&rig.copy("from", "to")).await.expect("copied");
    assert_eq!(outcome.files, 10_000);
    assert!(rig.files("to") == rig.files("from"));
}
