//! What a copy does: which file becomes which, what is skipped, what is refused. Pure.
//!
//! The rules are those of Azure Data Factory's copy where it has them: a folder is merged into the
//! destination, files of the same name are replaced, other files stay, empty folders are not made.
//! Where an end may hold a file and a folder of one name, as object stores do, the type decides.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::listing::{Item, Listing};
use crate::pattern::Patterns;

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// One file.
    File,
    /// A folder with what is below it.
    Directory,
}

/// How to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What the source is; what is there when absent.
    pub source_type: Option<EntryType>,
    /// What the destination is; when absent what is there, else what the source is.
    pub destination_type: Option<EntryType>,
    /// Skip files that are at the destination unchanged.
    pub incremental: bool,
    /// Compare contents: to find what is unchanged, and to check what was written.
    pub checksum: bool,
    /// Which files of a folder.
    pub patterns: Patterns,
}

/// One end as the plan sees it.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The end in a message.
    pub shown: String,
    /// What tells it from all other ends.
    pub identity: String,
    /// The path on its store.
    pub path: &'a str,
    /// Whether it is a folder of this machine, where a name is a file or a folder, never both.
    pub is_local: bool,
    /// What is there.
    pub listing: &'a Listing,
}

/// A file to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopy {
    /// The file; its name is relative to the source.
    pub source: Item,
    /// Its name relative to the destination; empty when the destination is the file.
    pub target: String,
    /// What is under that name now.
    pub replaces: Option<Item>,
}

/// What a copy does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files that are copied.
    pub files: Vec<FileCopy>,
    /// The files that are unchanged.
    pub unchanged: Vec<FileCopy>,
    /// Files that may be unchanged: the same size, and only their content can tell.
    pub to_compare: Vec<FileCopy>,
    /// How many files the patterns leave out.
    pub left_out: usize,
}

impl Plan {
    /// How many bytes the files to copy have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.source.size).sum()
    }
}

/// Why nothing is copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The source is not there.
    #[error("there is nothing to copy: {0} is not there")]
    Missing(String),
    /// The source is a file and a folder.
    #[error("{0} is a file and a directory of that name as well")]
    Ambiguous(String),
    /// The source is not of the type that was asked for.
    #[error("{shown} is a {is}, not a {asked}")]
    OtherType {
        /// The end.
        shown: String,
        /// What it is.
        is: &'static str,
        /// What was asked for.
        asked: &'static str,
    },
    /// A directory cannot become a file.
    #[error("{from} is a directory and cannot be copied onto the file {to}")]
    DirectoryOntoFile {
        /// The source.
        from: String,
        /// The destination.
        to: String,
    },
    /// Both ends are one.
    #[error("{0} would be copied onto itself")]
    SamePlace(String),
    /// The destination is in the source.
    #[error("{to} is inside of {from}: the copy would contain itself")]
    Inside {
        /// The source.
        from: String,
        /// The destination.
        to: String,
    },
    /// A file is in the way of a folder, or a folder in the way of a file.
    #[error("`{name}` at {to} is a {is}: a {wanted} cannot be put there")]
    InTheWay {
        /// The destination.
        to: String,
        /// The name at the destination.
        name: String,
        /// What is there.
        is: &'static str,
        /// What would be put there.
        wanted: &'static str,
    },
    /// A name that the destination cannot have.
    #[error("`{name}` cannot be a name at {to}: {fault}")]
    Name {
        /// The destination.
        to: String,
        /// The name at the source.
        name: String,
        /// Why not.
        fault: &'static str,
    },
}

impl Refusal {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "check the path; names are case-sensitive",
            Self::Ambiguous(_) => {
                "say which is meant: `source_reference_type`, or `--source-type` of `stepwell copy`"
            }
            Self::OtherType { .. } => "leave the type out, or name the other",
            Self::DirectoryOntoFile { .. } => {
                "name a directory as the destination, or one file as the source"
            }
            Self::SamePlace(_) | Self::Inside { .. } => "name another destination",
            Self::InTheWay { .. } => "remove it, or name another destination",
            Self::Name { .. } => "rename it at the source, or leave it out with `--exclude`",
        }
    }
}

/// Decides what a copy does.
///
/// # Errors
/// Why it must not be done at all.
pub fn plan(source: &Side<'_>, destination: &Side<'_>, options: &Options) -> Result<Plan, Refusal> {
    let from = source_type(source, options.source_type)?;
    let to = destination_type(destination, options.destination_type, from)?;
    let pairs = match (from, to) {
        (EntryType::Directory, EntryType::File) => {
            return Err(Refusal::DirectoryOntoFile {
                from: source.shown.clone(),
                to: destination.shown.clone(),
            });
        }
        (EntryType::File, to) => one_file(source, to),
        (EntryType::Directory, EntryType::Directory) => {
            let items = source.listing.below.iter().flatten();
            let pair = |item: &Item| (item.clone(), item.name.clone());
            items.map(pair).collect()
        }
    };
    refuse_same(source, destination, from, &pairs)?;
    let known = known(destination);
    let mut plan = Plan::default();
    for (item, target) in pairs {
        if from == EntryType::Directory && !options.patterns.admit(&item.name) {
            plan.left_out += 1;
            continue;
        }
        check_name(destination, &target)?;
        let replaces = known.get(target.as_str()).map(|item| (*item).clone());
        let file = FileCopy {
            source: item,
            target,
            replaces,
        };
        match unchanged(&file, options) {
            Some(true) => plan.unchanged.push(file),
            Some(false) => plan.files.push(file),
            None => plan.to_compare.push(file),
        }
    }
    if destination.is_local {
        refuse_in_the_way(destination, &plan)?;
    }
    Ok(plan)
}

fn source_type(source: &Side<'_>, asked: Option<EntryType>) -> Result<EntryType, Refusal> {
    let shown = || source.shown.clone();
    let (file, below) = (&source.listing.file, &source.listing.below);
    match (asked, file.is_some(), below.is_some()) {
        (_, false, false) => Err(Refusal::Missing(shown())),
        (None, true, true) => Err(Refusal::Ambiguous(shown())),
        (None | Some(EntryType::File), true, _) => Ok(EntryType::File),
        (None | Some(EntryType::Directory), _, true) => Ok(EntryType::Directory),
        (Some(EntryType::File), false, true) => Err(Refusal::OtherType {
            shown: shown(),
            is: "directory",
            asked: "file",
        }),
        (Some(EntryType::Directory), true, false) => Err(Refusal::OtherType {
            shown: shown(),
            is: "file",
            asked: "directory",
        }),
    }
}

fn destination_type(
    destination: &Side<'_>,
    asked: Option<EntryType>,
    source: EntryType,
) -> Result<EntryType, Refusal> {
    let (is_file, is_folder) = (
        destination.listing.file.is_some(),
        destination.listing.below.is_some(),
    );
    let other = |is, asked| {
        Err(Refusal::OtherType {
            shown: destination.shown.clone(),
            is,
            asked,
        })
    };
    match asked {
        Some(EntryType::File) if destination.path.is_empty() => other("datastore's root", "file"),
        Some(EntryType::File) if is_folder && destination.is_local => other("directory", "file"),
        Some(EntryType::Directory) if is_file && destination.is_local => other("file", "directory"),
        Some(asked) => Ok(asked),
        // Where both are there, the source decides.
        None if is_file && is_folder => Ok(source),
        None if is_file => Ok(EntryType::File),
        None if is_folder || destination.path.is_empty() => Ok(EntryType::Directory),
        None => Ok(source),
    }
}

fn one_file(source: &Side<'_>, to: EntryType) -> Vec<(Item, String)> {
    let item = source.listing.file.clone();
    let target = match to {
        EntryType::File => String::new(),
        EntryType::Directory => source
            .path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    item.into_iter()
        .map(|item| (item, target.clone()))
        .collect()
}

fn refuse_same(
    source: &Side<'_>,
    destination: &Side<'_>,
    from: EntryType,
    pairs: &[(Item, String)],
) -> Result<(), Refusal> {
    let below = |identity: &str, name: &str| match name {
        "" => identity.to_owned(),
        name => format!("{}/{name}", identity.trim_end_matches(['/', ' '])),
    };
    let itself = pairs.iter().any(|(item, target)| {
        below(&source.identity, &item.name) == below(&destination.identity, target)
    });
    if itself || source.identity == destination.identity {
        return Err(Refusal::SamePlace(source.shown.clone()));
    }
    let inside = format!("{}/", source.identity.trim_end_matches('/'));
    if from == EntryType::Directory && destination.identity.starts_with(&inside) {
        return Err(Refusal::Inside {
            from: source.shown.clone(),
            to: destination.shown.clone(),
        });
    }
    Ok(())
}

/// What is at the destination, by its name there.
fn known<'a>(destination: &Side<'a>) -> HashMap<&'a str, &'a Item> {
    let file = destination.listing.file.iter();
    let below = destination.listing.below.iter().flatten();
    file.chain(below)
        .map(|item| (item.name.as_str(), item))
        .collect()
}

/// Whether a file is at the destination as it is at the source; nothing when only the contents can
/// tell.
fn unchanged(file: &FileCopy, options: &Options) -> Option<bool> {
    let Some(there) = file.replaces.as_ref().filter(|_| options.incremental) else {
        return Some(false);
    };
    if there.size != file.source.size {
        return Some(false);
    }
    match options.checksum {
        true => None,
        // Stores give a file the time of its writing, in whole seconds: what was written later
        // holds what was there.
        false => Some(there.modified_ms / 1000 >= file.source.modified_ms / 1000),
    }
}

fn check_name(destination: &Side<'_>, target: &str) -> Result<(), Refusal> {
    const NAME_BYTES_MAX: usize = 255;
    let fault = target.split('/').find_map(|part| match part {
        "." | ".." => Some("`.` and `..` stand for folders"),
        "" if !target.is_empty() => Some("a part of it is empty"),
        part if destination.is_local && part.len() > NAME_BYTES_MAX => {
            Some("a file system takes at most 255 bytes")
        }
        part if !destination.is_local && part.contains(|c: char| c.is_ascii_control()) => {
            Some("object stores take no control characters")
        }
        _ => None,
    });
    match fault {
        None => Ok(()),
        Some(fault) => Err(Refusal::Name {
            to: destination.shown.clone(),
            name: target.to_owned(),
            fault,
        }),
    }
}

/// On a file system a name is a file or a folder.
fn refuse_in_the_way(destination: &Side<'_>, plan: &Plan) -> Result<(), Refusal> {
    let refuse = |name: &str, is, wanted| {
        Err(Refusal::InTheWay {
            to: destination.shown.clone(),
            name: name.to_owned(),
            is,
            wanted,
        })
    };
    let targets: HashSet<&str> = plan.files.iter().map(|file| file.target.as_str()).collect();
    let there = destination.listing.below.iter().flatten();
    let there: HashSet<&str> = there.map(|item| item.name.as_str()).collect();
    let mut folders = HashSet::new();
    for name in &there {
        folders.extend(parents(name));
    }
    for target in &targets {
        if folders.contains(target) {
            return refuse(target, "directory", "file");
        }
        let blocked =
            parents(target).find(|parent| there.contains(parent) || targets.contains(parent));
        if let Some(parent) = blocked {
            return refuse(parent, "file", "directory");
        }
    }
    Ok(())
}

fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.char_indices()
        .filter(|(_, c)| *c == '/')
        .map(|(at, _)| &name[..at])
}
