//! `stepwell init`: a small pipeline with its scripts and data, in a folder of its own.

use camino::{Utf8Path, Utf8PathBuf};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Context;

/// The files of the example, by their paths.
const FILES: [(&str, &str); 6] = [
    ("README.md", include_str!("../../example/README.md")),
    ("pipeline.py", include_str!("../../example/pipeline.py")),
    (
        "data/houses.csv",
        include_str!("../../example/data/houses.csv"),
    ),
    (
        "src/prepare.py",
        include_str!("../../example/src/prepare.py"),
    ),
    ("src/train.py", include_str!("../../example/src/train.py")),
    (
        "src/evaluate.py",
        include_str!("../../example/src/evaluate.py"),
    ),
];

/// Write an example pipeline with its scripts and data into a new folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  stepwell init first
  cd first
  stepwell run pipeline.py

The example needs no packages beyond Stepwell. No file that is there is replaced.")]
pub(crate) struct Args {
    /// The folder; made if it does not exist
    #[arg(default_value = "stepwell-example", value_name = "DIR")]
    to: Utf8PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let folder = context.folder.join(&args.to);
    if folder.exists() && !folder.is_dir() {
        let message = format!("`{}` is there and is not a folder", args.to);
        return Err(Failure::new(Exit::Refused, message, "name another folder"));
    }
    if let Some((name, _)) = FILES.iter().find(|(name, _)| is_there(&folder.join(name))) {
        let message = format!("`{}` is there already", args.to.join(name));
        let hint = "nothing was written; name a new folder, as in `stepwell init first`";
        return Err(Failure::new(Exit::Refused, message, hint));
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(path, text)?;
    }
    let names = FILES.map(|(name, _)| args.to.join(name));
    if args.json {
        output::json(&names)?;
        return Ok(Exit::Success);
    }
    for name in names {
        output::print(&format!("{name}\n"))?;
    }
    let folder = match args.to.as_str() {
        "." => String::new(),
        to => format!("cd {to} && "),
    };
    output::note(&format!("next: {folder}stepwell run pipeline.py"));
    Ok(Exit::Success)
}

/// Also what is a link to nothing.
fn is_there(path: &Utf8Path) -> bool {
    path.symlink_metadata().is_ok()
}
