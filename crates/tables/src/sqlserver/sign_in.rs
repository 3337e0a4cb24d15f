//! The token that a service principal signs in with: asked of Azure's directory, for one copy.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::collections::BTreeMap;
use std::time::Duration;

use stepwell_datastore::definition::Database;

/// Who gives out tokens.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// What they are for.
const SCOPE: &str = "https://database.windows.net/.default";

const PATIENCE: Duration = Duration::from_secs(20);

/// A token, if the datastore has a service principal; what was wrong in words otherwise.
pub(super) async fn token(
    place: &Database,
    credentials: &BTreeMap<String, String>,
) -> Result<Option<String>, String> {
    let (Some(tenant), Some(client)) = (&place.tenant_id, &place.client_id) else {
        return Ok(None);
    };
    let Some(secret) = credentials.get("client_secret") else {
        return Err(format!("the service principal `{client}` has no secret"));
    };
    let authority = place.authority_url.as_deref().unwrap_or(AUTHORITY);
    let url = format!(
        "{}/{tenant}/oauth2/v2.0/token",
        authority.trim_end_matches('/')
    );
    let (client, secret) = (client.clone(), secret.clone());
    let asked = tokio::task::spawn_blocking(move || ask(&url, &client, &secret)).await;
    asked.map_err(|error| error.to_string())?.map(Some)
}

fn ask(url: &str, client: &str, secret: &str) -> Result<String, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", SCOPE),
    ];
    let unreachable = |error: ureq::Error| format!("`{url}` cannot be asked for a token: {error}");
    let mut answer = agent.post(url).send_form(form).map_err(unreachable)?;
    let said: serde_json::Value = answer.body_mut().read_json().unwrap_or_default();
    match said["access_token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => {
            // It names the fault, and never repeats the secret.
            let text = said["error_description"].as_str().unwrap_or("no token");
            let text = text.lines().next().unwrap_or_default();
            let status = answer.status();
            Err(format!(
                "the service principal is refused: {status}: {text}"
            ))
        }
    }
}
