//! What a step leaves: its `outputs/` and `logs/` folders, and the outputs it declared as uploads.
//!
//! What a script uploaded by name while it ran wins over a file of the same name in `outputs/` or
//! `logs/`: it was named on purpose, and others may have read it. For a declared output it is the
//! reverse: the newer attempt's data replace the older's. How things are moved is in `relocate.rs`.
//!
//! What a failed step wrote to a place that others know is never seen there: it was written aside.
//!
//! Invariant: what a step left is kept, or the step fails. Nothing of others is destroyed: a file
//! replaces a file, and nothing else replaces anything.

use std::io;
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use stepwell_data::folder::INCOMING_PREFIX;
use stepwell_model::{Failure, FailureKind};

use crate::relocate::{Manner, Wins, bring, collision, discard_aside, kind_at, remove};
use crate::spec::{OutputPlace, Spec};
use crate::storage_failure;

/// The folders that a program finds in its working folder, and that are kept.
pub(crate) const KEPT: [&str; 2] = ["outputs", "logs"];

/// Keeps what the step left. Uploads, and what was written aside, count only if it succeeded.
pub(crate) fn collect(spec: &Spec, succeeded: bool) -> Result<(), Failure> {
    let kept = KEPT.iter().try_for_each(|name| keep_folder(spec, name));
    let committed = match succeeded {
        true => kept.and_then(|()| commit(spec)),
        false => kept,
    };
    for staged in spec.outputs.iter().filter_map(|out| out.staged.as_ref()) {
        // Nobody knows the place but this attempt; what cannot be removed is only in the way.
        let _ = remove(staged.as_std_path());
    }
    committed
}

/// Removes what an attempt whose supervisor was killed had written aside.
pub fn discard(spec: &Spec) {
    for output in &spec.outputs {
        if let Some(staged) = &output.staged {
            let _ = remove(staged.as_std_path());
        }
        discard_aside(output.path.as_std_path(), &aside(spec));
    }
}

/// The name of this attempt's copies until they are complete.
fn aside(spec: &Spec) -> String {
    let (run, number) = (spec.attempt.run, spec.attempt.number);
    format!("{INCOMING_PREFIX}{run}-{number}")
}

/// Brings the outputs to their places. Nothing is moved before all of them have been checked.
fn commit(spec: &Spec) -> Result<(), Failure> {
    let mut moves = Vec::new();
    for output in &spec.outputs {
        moves.extend(Move::of(spec, output)?);
    }
    for each in &moves {
        each.check()?;
    }
    let aside = aside(spec);
    moves.iter().try_for_each(|each| each.perform(&aside))
}

/// An output on its way to its place.
struct Move<'a> {
    output: &'a OutputPlace,
    from: Utf8PathBuf,
    /// Whether the source stays where it is: it is kept as a file of the run, too.
    stays: bool,
}

impl<'a> Move<'a> {
    /// `None` for an output that was written in its place, or aside and not at all.
    fn of(spec: &Spec, output: &'a OutputPlace) -> Result<Option<Self>, Failure> {
        let Some(source) = &output.upload_from else {
            let staged = output.staged.clone().filter(|staged| staged.exists());
            return Ok(staged.map(|from| Self {
                output,
                from,
                stays: false,
            }));
        };
        // The kept folders have been moved already.
        let stays = KEPT
            .iter()
            .any(|kept| Utf8Path::new(source).starts_with(kept));
        let base = if stays {
            &spec.files_dir
        } else {
            &spec.work_dir
        };
        let from = base.join(source);
        if !from.exists() {
            let to = &output.path;
            return Err(Failure::new(
                FailureKind::Storage,
                format!(
                    "the script wrote nothing to `{source}`, which is to be uploaded to `{to}`"
                ),
            )
            .with_hint("write the output there, or take it out of the step's outputs"));
        }
        let found = Self {
            output,
            from,
            stays,
        };
        Ok(Some(found))
    }

    /// Where it goes. A datastore's own root may be a link to the folder that it stands for.
    fn place(&self) -> Utf8PathBuf {
        let path = &self.output.path;
        match self.output.is_root {
            true => path.canonicalize_utf8().unwrap_or_else(|_| path.clone()),
            false => path.clone(),
        }
    }

    /// Refuses to replace what must not be replaced.
    fn check(&self) -> Result<(), Failure> {
        let to = self.place();
        if self.output.is_root && !self.from.is_dir() {
            let text = format!(
                "the step's output is a file, and its place is the datastore's own folder `{to}`"
            );
            return Err(Failure::new(FailureKind::Storage, text)
                .with_hint("write a folder, or give the output a path on its datastore"));
        }
        let pairs = self.pairs().map_err(|error| self.failure(&error))?;
        for (from, to) in &pairs {
            let met = self.blocked(to).map_or_else(
                || collision(from.as_std_path(), to.as_std_path()),
                |blocked| Ok(Some(blocked)),
            );
            if let Some(place) = met.map_err(|error| self.failure(&error))? {
                return Err(collided(&place));
            }
        }
        if !self.output.keep_existing {
            return Ok(());
        }
        let files = self.chosen().map_err(|error| self.failure(&error))?;
        match files
            .iter()
            .map(|file| below(&to, file))
            .find(|place| place.exists())
        {
            None => Ok(()),
            Some(place) => Err(Failure::new(
                FailureKind::Storage,
                format!("`{place}` is there already, and the step's output must not replace it"),
            )
            .with_hint(
                "allow it with as_upload(overwrite=True), or give the output a destination with \
                 {run-id} in it",
            )),
        }
    }

    /// A file or a link between the output's place and the place of one of its files.
    fn blocked(&self, to: &Utf8Path) -> Option<PathBuf> {
        let root = self.place();
        let between = to
            .ancestors()
            .skip(1)
            .take_while(|at| at.starts_with(&root));
        let is_blocked = |at: &&Utf8Path| at.symlink_metadata().is_ok_and(|there| !there.is_dir());
        between
            .filter(is_blocked)
            .last()
            .map(|at| at.as_std_path().to_owned())
    }

    /// What is brought where: all at once, or file by file where patterns choose.
    fn pairs(&self) -> io::Result<Vec<(Utf8PathBuf, Utf8PathBuf)>> {
        let to = self.place();
        if self.output.source_globs.is_empty() {
            return Ok(vec![(self.from.clone(), to)]);
        }
        let pair = |file: Utf8PathBuf| (below(&self.from, &file), below(&to, &file));
        Ok(self.chosen()?.into_iter().map(pair).collect())
    }

    fn perform(&self, aside: &str) -> Result<(), Failure> {
        let manner = Manner {
            wins: Wins::New,
            stays: self.stays,
            aside,
        };
        let all = || -> io::Result<()> {
            if self.from.is_dir() && !self.output.source_globs.is_empty() {
                fs::create_dir_all(self.place())?;
            }
            let mut pairs = self.pairs()?.into_iter();
            pairs.try_for_each(|(from, to)| bring(from.as_std_path(), to.as_std_path(), manner))
        };
        all().map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let (from, to) = (&self.from, &self.output.path);
        let source = self.output.upload_from.as_deref();
        let source = source.unwrap_or(from.as_str());
        storage_failure(
            &format!("the output `{source}` could not be moved to `{to}`"),
            error,
        )
    }

    /// The files that the patterns choose, relative to the source; the empty path for a single one.
    fn chosen(&self) -> io::Result<Vec<Utf8PathBuf>> {
        let globs = &self.output.source_globs;
        let wanted = |path: &str| {
            let matches =
                |glob: &String| fast_glob::glob_match(glob.trim_start_matches("./"), path);
            globs.is_empty() || globs.iter().any(matches)
        };
        if !self.from.is_dir() {
            let name = self.from.file_name().unwrap_or_default();
            return Ok(wanted(name).then(Utf8PathBuf::new).into_iter().collect());
        }
        let mut found = Vec::new();
        let mut folders = vec![Utf8PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in self.from.join(&folder).read_dir_utf8()? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if wanted(path.as_str()) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
}

/// The empty path is the folder itself.
fn below(folder: &Utf8Path, file: &Utf8Path) -> Utf8PathBuf {
    match file.as_str() {
        "" => folder.to_owned(),
        _ => folder.join(file),
    }
}

fn collided(place: &std::path::Path) -> Failure {
    let (kind, place) = (kind_at(place), place.display());
    Failure::new(
        FailureKind::Storage,
        format!("`{place}` is {kind}, and the step's output would replace it with another kind"),
    )
    .with_hint("give the output a destination of its own, or remove what is there first")
}

/// An empty folder is not kept; one that the script removed is no error.
fn keep_folder(spec: &Spec, name: &str) -> Result<(), Failure> {
    let (from, to) = (spec.work_dir.join(name), spec.files_dir.join(name));
    let aside = aside(spec);
    let manner = Manner {
        wins: Wins::Present,
        stays: false,
        aside: &aside,
    };
    let kept = match from.symlink_metadata() {
        Ok(found) if !found.is_dir() => {
            let kind = kind_at(from.as_std_path());
            let text = format!("the step left {kind} as `{name}`: only a folder is kept");
            return Err(Failure::new(FailureKind::Storage, text).with_hint(format!(
                "write files into the folder `{name}` that is there"
            )));
        }
        Ok(_) => from
            .read_dir_utf8()
            .map(|mut entries| entries.next().is_none())
            .and_then(|empty| match empty {
                true => Ok(()),
                false => bring(from.as_std_path(), to.as_std_path(), manner),
            }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    let what = format!("the step's `{name}` folder could not be kept");
    kept.map_err(|error| storage_failure(&what, &error))
}
