//! The digest of a folder's content, as reuse knows it; a program for `bench/content.py`.

use camino::Utf8PathBuf;
use stepwell_data::content::{self, Contents};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: Utf8PathBuf = std::env::args().nth(1).ok_or("name a folder")?.into();
    let files = Contents::default().files(&folder)?;
    println!("{} of {} files", content::digest(&files), files.len());
    Ok(())
}
