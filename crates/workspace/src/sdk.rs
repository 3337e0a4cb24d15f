//! The submitter's SDK, made importable for steps in environments that lack it.

use stepwell_data::folder::{self, DataFolder};

use crate::Result;

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
    Ok(())
}
