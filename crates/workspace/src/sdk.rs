//! The submitter's SDK, made importable for steps in environments that lack it.

use stepwell_data::folder::{self, DataFolder};

use crate::Result;

/// What tells MLflow, by its entry points, where addresses that begin with `azureml:` lead: in an
/// environment without the installed SDK nothing else does.
const MLFLOW: [(&str, &str); 2] = [
    (
        "METADATA",
        include_str!(
            "../../../python-stand-ins/purelib/azureml_mlflow-1.62.99+stepwell.dist-info/METADATA"
        ),
    ),
    (
        "entry_points.txt",
        include_str!(
            "../../../python-stand-ins/purelib/azureml_mlflow-1.62.99+stepwell.dist-info/entry_points.txt"
        ),
    ),
];

/// Links the packages of an SDK's folder into the data folder.
pub(crate) fn link(data: &DataFolder, sdk: &str) -> Result<()> {
    let target_folder = data.sdk().join(folder::sdk_name(sdk));
    for package in ["stepwell", "azureml", "azureml_user"] {
        let target = camino::Utf8Path::new(sdk).join(package);
        let link = target_folder.join(package);
        if !target.is_absolute() || !target.is_dir() || link.exists() {
            continue;
        }
        fs_err::create_dir_all(&target_folder)?;
        // A link to a folder that was moved away is replaced.
        drop(std::fs::remove_file(&link));
        match std::os::unix::fs::symlink(&target, &link) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error.into());
            }
            _ => {}
        }
    }
    if target_folder.is_dir() {
        describe(&target_folder)?;
    }
    Ok(())
}

/// Writes the record of the plug-in beside the packages, each file whole.
fn describe(target_folder: &camino::Utf8Path) -> Result<()> {
    let record = target_folder.join("azureml_mlflow-1.62.99+stepwell.dist-info");
    fs_err::create_dir_all(&record)?;
    for (name, text) in MLFLOW {
        let file = record.join(name);
        if fs_err::read_to_string(&file).is_ok_and(|there| there == text) {
            continue;
        }
        let part = record.join(format!("{name}.{}", uuid::Uuid::now_v7()));
        fs_err::write(&part, text)?;
        fs_err::rename(&part, &file)?;
    }
    Ok(())
}
