//! The variables by which MLflow's client, in the program of a step, logs to the step's run.
//!
//! They are the original service's. The program's own token lets it in, by the SDK's plug-in: there is
//! no token among them, which MLflow would send to whatever server a program sets.

use stepwell_model::uri_part;

use crate::Job;

/// Where MLflow logs to.
pub(super) const TRACKING_URI: &str = "MLFLOW_TRACKING_URI";

/// The variables of a job, beside those of its own.
pub(super) fn variables(job: &Job, url: &str) -> Vec<(String, String)> {
    let own = |name: &str| job.variables.get(name).map_or("", String::as_str);
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let [subscription, group, workspace] = [
        "AZUREML_ARM_SUBSCRIPTION",
        "AZUREML_ARM_RESOURCEGROUP",
        "AZUREML_ARM_WORKSPACE_NAME",
    ]
    .map(|name| uri_part(own(name)));
    let uri = format!(
        "azureml://{}/mlflow/v1.0/subscriptions/{subscription}/resourceGroups/{group}/providers/\
         Microsoft.MachineLearningServices/workspaces/{workspace}",
        address.trim_end_matches('/')
    );
    let mut variables = vec![
        (TRACKING_URI.to_owned(), uri),
        ("MLFLOW_RUN_ID".to_owned(), job.attempt.run.to_string()),
    ];
    let experiment = own("AZUREML_ARM_PROJECT_NAME");
    if !experiment.is_empty() {
        variables.push(("MLFLOW_EXPERIMENT_NAME".to_owned(), experiment.to_owned()));
    }
    variables
}
