//! Names under which people ask pip for a package that is called otherwise.
//!
//! Most are the name of the module that a script imports. Only names that no index has, or has as an
//! empty or failing package, are changed. Pure; the caller says what was changed.

use super::request::package_name;

/// What is asked for, and the package that is meant.
const MEANT: &[(&str, &str)] = &[
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("faiss", "faiss-cpu"),
    ("matplotlib-base", "matplotlib"),
    ("msgpack-python", "msgpack"),
    ("opencv", "opencv-python"),
    ("pil", "Pillow"),
    ("pytables", "tables"),
    ("pytorch", "torch"),
    ("ruamel-yaml", "ruamel.yaml"),
    ("scikit", "scikit-learn"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("yaml", "PyYAML"),
];

/// Packages whose newest release refuses to be installed and names others, with what is meant by a
/// name alone: the last releases that were packages.
const EMPTIED: &[(&str, &str)] = &[
    ("azure", "azure<5"),
    ("azure-storage", "azure-storage<0.37"),
];

/// `requirement` with the name of the package that is meant; `None` if that is the name it has.
pub(super) fn corrected(requirement: &str) -> Option<String> {
    let name = package_name(requirement);
    if let Some((_, meant)) = EMPTIED
        .iter()
        .find(|(asked, _)| *asked == requirement.trim())
    {
        return Some((*meant).to_owned());
    }
    let (_, meant) = MEANT.iter().find(|(asked, _)| *asked == name)?;
    let rest = requirement.get(name.len()..)?;
    // `sklearn==0.0` was the only release of that name: it says nothing of the package that is meant.
    let rest = if name == "sklearn" && rest.trim().starts_with("==0.0") {
        ""
    } else {
        rest
    };
    let corrected = format!("{meant}{rest}");
    (corrected != requirement).then_some(corrected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_become_names_of_packages() {
        assert_eq!(corrected("sklearn").as_deref(), Some("scikit-learn"));
        assert_eq!(corrected("sklearn==0.0").as_deref(), Some("scikit-learn"));
        assert_eq!(
            corrected("sklearn>=0.22").as_deref(),
            Some("scikit-learn>=0.22")
        );
        assert_eq!(corrected("PIL").as_deref(), Some("Pillow"));
        assert_eq!(corrected("azure").as_deref(), Some("azure<5"));
        assert_eq!(corrected("azure==4.0.0"), None);
        assert_eq!(corrected("azure-storage-blob"), None);
        assert_eq!(
            corrected("opencv==4.5").as_deref(),
            Some("opencv-python==4.5")
        );
        assert_eq!(corrected("scikit-learn"), None);
        assert_eq!(corrected("ruamel.yaml"), None);
    }
}
