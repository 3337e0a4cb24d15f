//! Digests of bytes and streams.
//!
//! Files are read, never mapped: a mapped file that someone truncates kills the process that
//! reads it, and these are files of the user's that may change at any moment. At 64 KiB a read
//! the hash is the bottleneck anyway.

use std::io::{self, Read, Write};

use stepwell_model::Digest;

/// Enough for the widest vector code of BLAKE3, few enough system calls.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is read first: to clear a large buffer takes longer than to hash a small file.
const FIRST_BYTES: usize = 8 * 1024;

/// The digest of `bytes`.
pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
    Digest::new(*blake3::hash(bytes).as_bytes())
}

/// The digest and the number of the bytes that `from` gives.
pub(crate) fn of_reader(mut from: impl Read) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = [0; FIRST_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(FIRST_BYTES) => {
                hasher.update(&buffer);
                hasher.update_reader(from)?;
                break;
            }
            Ok(count) => drop(hasher.update(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(finish(&hasher))
}

/// Which side of a copy failed.
pub(crate) enum CopyFault {
    Read(io::Error),
    Write(io::Error),
}

/// Copies `from` to `to`; the digest is of the bytes written.
pub(crate) fn copy(mut from: impl Read, mut to: impl Write) -> Result<Digest, CopyFault> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let bytes = match from.read(&mut buffer) {
            Ok(0) => return Ok(finish(&hasher).0),
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyFault::Read(error)),
        };
        hasher.update(bytes);
        to.write_all(bytes).map_err(CopyFault::Write)?;
    }
}

fn finish(hasher: &blake3::Hasher) -> (Digest, u64) {
    (Digest::new(*hasher.finalize().as_bytes()), hasher.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_digest_of_its_bytes_in_whatever_pieces_it_comes() {
        let bytes: Vec<u8> = (0..200_000_u32)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        let around = [FIRST_BYTES, BUFFER_BYTES, FIRST_BYTES + BUFFER_BYTES];
        let sizes = around.iter().flat_map(|size| [size - 1, *size, size + 1]);
        for size in sizes.chain([0, 1, bytes.len()]) {
            let wanted = (of_bytes(&bytes[..size]), size as u64);
            assert_eq!(of_reader(&bytes[..size]).expect("read"), wanted);
            let (first, second) = bytes[..size].split_at(size / 3);
            assert_eq!(of_reader(first.chain(second)).expect("read"), wanted);
        }
    }
}
