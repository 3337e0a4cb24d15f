//! Digests of files that were read before, kept in one file of a fixed size, so that neither a new
//! server nor another process reads an unchanged file again.
//!
//! A record is found by a digest of the path and of all that the system says of the file (size,
//! both times, inode, device), so a changed file is another key and nothing is ever invalidated.
//! The file is a table of sets: a key belongs to one set and takes the place of the set's oldest
//! record when it is full. So the file never grows and nothing of it is held in memory.
//!
//! Any number of processes may use the file at once, and it may be damaged or cut short: every
//! record carries a check of itself, and one that does not pass counts as absent. A file that
//! cannot be used at all is a cache that remembers nothing.
//!
//! Invariant: what is given back is what was put for exactly this path and state of the file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use camino::Utf8Path;
use stepwell_model::Digest;

/// Bytes of a record: key, digest, the hour it was put, check.
const RECORD: usize = 64;
const KEY: usize = 16;
const DIGEST: usize = 32;
const HOUR: usize = 4;

/// Records of a set: 512 bytes, which a disk writes as one.
const WAYS: usize = 8;
const SET: usize = WAYS * RECORD;

/// How many sets there are: a quarter of a million files in 16 MB, which are taken only as needed.
const SETS: u64 = 1 << 15;

/// The name of the format; a file of another one is not understood and slowly overwritten.
const CONTEXT: &str = "stepwell 2026-11 digest cache record v1";

/// The key of a path and a state of its file.
pub(crate) type Key = [u8; KEY];

/// A cache in a file, or one that remembers nothing.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    file: Option<File>,
}

impl Digests {
    /// Opens the file, which is made if it is not there.
    pub(crate) fn open(path: &Utf8Path) -> Self {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = match options.mode(0o600).open(path) {
            Ok(file) if file.metadata().is_ok_and(|about| about.is_file()) => Some(file),
            _ => None,
        };
        Self { file }
    }

    /// The digest that was put for a key.
    pub(crate) fn find(&self, key: &Key) -> Option<Digest> {
        let set = self.read(key)?;
        let mut records = set.chunks_exact(RECORD);
        let record = records.find(|record| record.starts_with(key) && is_whole(record))?;
        let bytes: [u8; DIGEST] = record[KEY..KEY + DIGEST].try_into().ok()?;
        Some(Digest::new(bytes))
    }

    /// Remembers a digest; on a full or failing disk nothing is remembered.
    pub(crate) fn put(&self, key: &Key, digest: &Digest, hour: u32) {
        let Some(file) = &self.file else { return };
        let set = self.read(key).unwrap_or([0; SET]);
        let age = |record: &[u8]| match is_whole(record) {
            // The same key is replaced whatever its age.
            true if record.starts_with(key) => 0,
            true => 1 + u64::from(hour_of(record)),
            false => 0,
        };
        let records = set.chunks_exact(RECORD).map(age).enumerate();
        let way = records
            .min_by_key(|(_, age)| *age)
            .map_or(0, |(way, _)| way);
        let mut record = [0; RECORD];
        record[..KEY].copy_from_slice(key);
        record[KEY..KEY + DIGEST].copy_from_slice(digest.as_bytes());
        record[KEY + DIGEST..KEY + DIGEST + HOUR].copy_from_slice(&hour.to_le_bytes());
        let check = check(&record);
        record[KEY + DIGEST + HOUR..].copy_from_slice(&check);
        let place = offset(key) + (way * RECORD) as u64;
        // What was not written, or half, will not pass its check.
        let _ = file.write_all_at(&record, place);
    }

    fn read(&self, key: &Key) -> Option<[u8; SET]> {
        let mut set = [0; SET];
        let mut filled = 0;
        while filled < SET {
            let place = offset(key) + filled as u64;
            match self.file.as_ref()?.read_at(&mut set[filled..], place) {
                // Behind the end of the file nothing has been put yet.
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(set)
    }
}

fn offset(key: &Key) -> u64 {
    let number = key
        .iter()
        .take(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    number % SETS * SET as u64
}

fn hour_of(record: &[u8]) -> u32 {
    let hour = record[KEY + DIGEST..KEY + DIGEST + HOUR].try_into();
    u32::from_le_bytes(hour.unwrap_or_default())
}

fn is_whole(record: &[u8]) -> bool {
    record[KEY + DIGEST + HOUR..] == check(record)
}

fn check(record: &[u8]) -> [u8; RECORD - KEY - DIGEST - HOUR] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&record[..KEY + DIGEST + HOUR]);
    let mut check = [0; RECORD - KEY - DIGEST - HOUR];
    hasher.finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Folder;

    fn digest(byte: u8) -> Digest {
        Digest::new([byte; 32])
    }

    #[test]
    fn what_was_put_is_found_by_the_next_process_too() {
        let folder = Folder::with(&[]);
        let path = folder.path().join("digests");
        let first = Digests::open(&path);
        assert_eq!(first.find(&[1; KEY]), None);
        first.put(&[1; KEY], &digest(7), 1);
        let second = Digests::open(&path);
        assert_eq!(second.find(&[1; KEY]), Some(digest(7)));
        second.put(&[1; KEY], &digest(8), 2);
        assert_eq!(
            first.find(&[1; KEY]),
            Some(digest(8)),
            "one key, one record"
        );
        assert_eq!(first.find(&[2; KEY]), None);
    }

    #[test]
    fn a_full_set_forgets_its_oldest() {
        let folder = Folder::with(&[]);
        let cache = Digests::open(&folder.path().join("digests"));
        let key = |number: u8| {
            let mut key = [0; KEY];
            key[KEY - 1] = number;
            key
        };
        for number in 0..=WAYS as u8 {
            cache.put(&key(number), &digest(number), u32::from(number));
        }
        assert_eq!(cache.find(&key(0)), None);
        for number in 1..=WAYS as u8 {
            assert_eq!(cache.find(&key(number)), Some(digest(number)));
        }
    }

    #[test]
    fn a_place_that_cannot_be_used_remembers_nothing() {
        let folder = Folder::with(&[]);
        let cache = Digests::open(folder.path());
        cache.put(&[1; KEY], &digest(1), 1);
        assert_eq!(cache.find(&[1; KEY]), None);
    }

    proptest! {
        /// Whatever happens to the bytes, no wrong digest comes out.
        #[test]
        fn damage_never_makes_a_wrong_digest(at in 0_usize..SET, byte: u8, cut in 0_usize..SET) {
            let folder = Folder::with(&[]);
            let path = folder.path().join("digests");
            let cache = Digests::open(&path);
            cache.put(&[0; KEY], &digest(9), 3);
            let mut bytes = fs_err::read(&path).expect("read");
            bytes.resize(SET, 0);
            bytes[at] = byte;
            bytes.truncate(cut.max(at + 1));
            fs_err::write(&path, &bytes).expect("written");
            let found = Digests::open(&path).find(&[0; KEY]);
            prop_assert!(found.is_none() || found == Some(digest(9)));
        }
    }

    #[test]
    fn many_threads_at_once_find_only_what_was_put() {
        let folder = Folder::with(&[]);
        let path = folder.path().join("digests");
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    let cache = Digests::open(path);
                    for round in 0..2_000_u32 {
                        let number = (round % 64) as u8;
                        let mut key = [0; KEY];
                        // All in two sets, so that they are in each other's way.
                        key[7] = number % 2;
                        key[KEY - 1] = number;
                        cache.put(&key, &digest(number), round + u32::from(thread));
                        let found = cache.find(&key);
                        assert!(found.is_none() || found == Some(digest(number)));
                    }
                });
            }
        });
    }
}
