//! Rules for names, and for paths that must stay below a folder.

use crate::{Error, Result};

/// Checks an experiment's name: 1 to 255 characters, none of them a control character or a slash.
///
/// # Errors
/// When it has others.
pub fn check_experiment(name: &str) -> Result<()> {
    let is_forbidden = |c: char| c.is_control() || c == '/' || c == '\\';
    if name.trim().is_empty() || name.chars().count() > 255 || name.contains(is_forbidden) {
        return Err(
            Error::invalid(format!("`{name}` cannot name an experiment"))
                .hint("use 1 to 255 characters without slashes and line breaks"),
        );
    }
    Ok(())
}

/// Checks a name that only people read: 1 to 255 characters without control characters.
pub(crate) fn check_label(what: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 255 || name.contains(char::is_control) {
        return Err(Error::invalid(format!("`{name}` cannot name {what}"))
            .hint("use 1 to 255 characters without line breaks"));
    }
    Ok(())
}

/// Whether a dataset may have that name: 1 to 255 bytes, none of them a control character or a
/// slash.
#[must_use]
pub fn is_dataset_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_control() || c == '/' || c == '\\';
    !name.trim().is_empty() && name.len() <= 255 && !name.contains(is_forbidden)
}

/// Whether a path stays below the folder it is relative to.
///
/// ```
/// use stepwell_workspace::names::is_relative;
///
/// assert!(is_relative("a/./b") && !is_relative("a/../../b") && !is_relative("/a"));
/// ```
#[must_use]
pub fn is_relative(path: &str) -> bool {
    use camino::Utf8Component::{CurDir, Normal};
    !path.is_empty()
        && !path.contains('\0')
        && camino::Utf8Path::new(path)
            .components()
            .all(|part| matches!(part, Normal(_) | CurDir))
}
