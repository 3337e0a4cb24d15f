//! How a file is cut into parts. Pure.
//!
//! Every part but the last has the same size, as some stores ask; there are at most as many as a
//! store takes of one object.

use std::ops::Range;

/// The size of a part, unless the file is so large that it would have too many. S3 asks for 5 MiB.
pub(crate) const PART_BYTES: u64 = 8 << 20;

/// S3 takes 10,000 parts of one object.
const PARTS_MAX: u64 = 9_000;

const MEBIBYTE: u64 = 1 << 20;

/// The size of the parts of a file.
pub(crate) fn part_bytes(size: u64) -> u64 {
    let least = size.div_ceil(PARTS_MAX);
    PART_BYTES.max(least.div_ceil(MEBIBYTE) * MEBIBYTE)
}

/// The parts of a file; an empty file has one, which is empty.
pub(crate) fn parts(size: u64, part_bytes: u64) -> impl Iterator<Item = (usize, Range<u64>)> {
    let count = size.div_ceil(part_bytes).max(1);
    (0..count).map(move |index| {
        let start = index * part_bytes;
        let end = size.min(start + part_bytes);
        (usize::try_from(index).unwrap_or(usize::MAX), start..end)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_file_has_one_empty_part() {
        assert_eq!(parts(0, PART_BYTES).collect::<Vec<_>>(), [(0, 0..0)]);
    }

    proptest! {
        #[test]
        fn parts_cover_the_file_once(size in 0_u64..6_000_000_000_000) {
            let bytes = part_bytes(size);
            let mut end = 0;
            let mut count = 0;
            for (index, range) in parts(size, bytes) {
                prop_assert_eq!(index, count);
                prop_assert_eq!(range.start, end);
                end = range.end;
                count += 1;
            }
            prop_assert_eq!(end, size);
            prop_assert!(count <= 9_000);
        }
    }
}
