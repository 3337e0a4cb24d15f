//! Whether what is at the destination is what was read at the source, part by part.

use crate::cut;
use crate::listing::{self, Depth, Item};
use crate::plan::FileCopy;
use crate::stream::{Digests, Reader};
use crate::{End, Error, Result};

/// Whether two files of the same size have the same content. What one store knows by the same tag
/// is not read.
pub(crate) async fn is_same(source: &End, destination: &End, file: &FileCopy) -> Result<bool> {
    let Some(there) = &file.replaces else {
        return Ok(false);
    };
    if there.size != file.source.size {
        return Ok(false);
    }
    let here = Reader::open(source, &file.source).await?;
    let there = Reader::open(destination, there).await?;
    for (_, range) in cut::parts(file.source.size, cut::PART_BYTES) {
        if here.part(range.clone()).await? != there.part(range).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads back a file that was written, and compares it with the digests of what was read, or with
/// the source where nothing was.
pub(crate) async fn check(
    source: &End,
    destination: &End,
    file: &FileCopy,
    digests: Option<&Digests>,
) -> Result<()> {
    let written = End::on(
        std::sync::Arc::clone(destination.store()),
        &destination.join(&file.target),
    );
    let shown = || match destination.local(&destination.join(&file.target)) {
        Some(path) => format!("`{path}`"),
        None => written.shown(),
    };
    let there = listing::list(&written, Depth::Existence).await?.file;
    let Some(there) = there.filter(|there| there.size == file.source.size) else {
        return Err(Error::Differs(shown()));
    };
    let Some(digests) = digests else {
        let compared = FileCopy {
            replaces: Some(Item {
                name: file.target.clone(),
                ..there
            }),
            ..file.clone()
        };
        return match is_same(source, destination, &compared).await? {
            true => Ok(()),
            false => Err(Error::Differs(shown())),
        };
    };
    let reader = Reader::open(&written, &there).await?;
    for (index, range) in cut::parts(file.source.size, digests.part_bytes) {
        let is_right = blake3::hash(&reader.part(range).await?);
        if digests.parts.get(index) != Some(&is_right) {
            return Err(Error::Differs(shown()));
        }
    }
    Ok(())
}
