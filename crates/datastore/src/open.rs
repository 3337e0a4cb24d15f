//! From a place and its credentials to an object store that can be asked; and a new container.

use std::sync::Arc;

use http::{Method, Request, StatusCode};
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::azure::{
    AzureAccessKey, AzureAuthorizer, AzureCredential, MicrosoftAzureBuilder,
};
use object_store::client::{HttpConnector as _, HttpRequestBody, ReqwestConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use stepwell_model::in_words;

use crate::definition::Place;
use crate::limits;
use crate::patience::Patient;

/// Credentials that have been revealed, by name.
pub(crate) type Revealed = std::collections::BTreeMap<String, String>;

/// The client of a place.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) parts: Option<Arc<dyn MultipartStore>>,
}

impl Opened {
    fn remote<S: ObjectStore + MultipartStore>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            parts: Some(Arc::clone(&store) as Arc<dyn MultipartStore>),
            store,
        }
    }
}

/// Builds the client of a place. Nothing is asked of the far side yet.
pub(crate) fn open(place: &Place, secrets: &Revealed) -> Result<Opened, object_store::Error> {
    let secret = |name: &str| secrets.get(name).cloned();
    Ok(match place {
        Place::Local { root } => Opened {
            store: Arc::new(LocalFileSystem::new_with_prefix(root)?),
            parts: None,
        },
        Place::AzureBlob {
            account,
            container,
            endpoint,
        } => Opened::remote(azure(account, container, endpoint.as_deref(), secrets).build()?),
        Place::AzureDataLakeGen2 {
            account,
            container,
            endpoint,
            tenant_id,
            client_id,
            authority_url,
        } => {
            let mut builder = azure(account, container, endpoint.as_deref(), secrets);
            if let (Some(secret), Some(tenant), Some(client)) =
                (secret("client_secret"), tenant_id, client_id)
            {
                builder = builder
                    .with_skip_signature(false)
                    .with_client_secret_authorization(client, secret, tenant);
            }
            if let Some(url) = authority_url {
                builder = builder.with_authority_host(url);
            }
            Opened::remote(builder.build()?)
        }
        Place::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        } => {
            let mut builder = s3(bucket, region.as_deref(), endpoint.as_deref());
            builder = match (access_key_id, secret("secret_access_key")) {
                (Some(id), Some(key)) => builder.with_access_key_id(id).with_secret_access_key(key),
                _ => builder.with_skip_signature(true),
            };
            if let Some(token) = secret("session_token") {
                builder = builder.with_token(token);
            }
            Opened::remote(builder.build()?)
        }
        Place::Gcs { bucket, endpoint } => {
            let key = secret("service_account_key");
            Opened::remote(gcs(bucket, endpoint.as_deref(), key).build()?)
        }
        // `Datastore::client` has refused it.
        Place::PostgreSql(_) | Place::MySql(_) | Place::AzureSql(_) | Place::Sqlite { .. } => {
            return Err(object_store::Error::NotImplemented {
                operation: "files of a database".to_owned(),
                implementer: place.kind().to_owned(),
            });
        }
    })
}

fn s3(bucket: &str, region: Option<&str>, endpoint: Option<&str>) -> AmazonS3Builder {
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.unwrap_or(S3_REGION))
        .with_client_options(options())
        .with_retry(retry())
        .with_http_connector(Patient::default());
    match endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.trim_end_matches('/')),
        None => builder,
    }
}

fn gcs(bucket: &str, endpoint: Option<&str>, key: Option<String>) -> GoogleCloudStorageBuilder {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(options())
        .with_retry(retry())
        .with_http_connector(Patient::default());
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    match key {
        Some(key) => builder.with_service_account_key(key),
        None => builder.with_skip_signature(true),
    }
}

const S3_REGION: &str = "us-east-1";

fn azure(
    account: &str,
    container: &str,
    endpoint: Option<&str>,
    secrets: &Revealed,
) -> MicrosoftAzureBuilder {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_client_options(options())
        .with_retry(retry())
        .with_http_connector(Patient::default());
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    match (secrets.get("account_key"), secrets.get("sas_token")) {
        (Some(key), _) => builder.with_access_key(key),
        (None, Some(token)) => builder.with_sas_authorization(pairs(token)),
        // Without a credential only what is public can be read.
        (None, None) => builder.with_skip_signature(true),
    }
}

/// The parts of a shared access signature.
fn pairs(token: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(token.trim_start_matches('?').as_bytes())
        .into_owned()
        .collect()
}

/// Emulators and stores of one's own often have no certificate.
fn options() -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(true)
        .with_timeout(limits::REQUEST)
        .with_connect_timeout(limits::CONNECT)
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: limits::RETRIES,
        retry_timeout: limits::RETRY_WITHIN,
    }
}

/// Why a container was not made. The text may hold secrets.
pub(crate) enum NotMade {
    /// Nobody answered.
    Unanswered(String),
    /// It cannot be asked for, or the far side refused.
    Refused(String),
}

impl From<String> for NotMade {
    fn from(text: String) -> Self {
        Self::Refused(text)
    }
}

/// Makes the container of a place, unless it is there.
pub(crate) async fn create_container(place: &Place, secrets: &Revealed) -> Result<(), NotMade> {
    let request = match place {
        Place::Local { root } => {
            return Ok(fs_err::create_dir_all(root).map_err(|error| error.to_string())?);
        }
        Place::AzureBlob {
            account,
            container,
            endpoint,
        } => new_azure_container(account, container, endpoint.as_deref(), secrets)?,
        Place::S3 {
            bucket,
            region,
            endpoint,
            access_key_id,
        } => {
            let region = region.as_deref().unwrap_or(S3_REGION);
            let id = access_key_id.as_deref();
            new_s3_bucket(bucket, region, endpoint.as_deref(), id, secrets)?
        }
        Place::AzureDataLakeGen2 { .. }
        | Place::Gcs { .. }
        | Place::PostgreSql(_)
        | Place::MySql(_)
        | Place::AzureSql(_)
        | Place::Sqlite { .. } => {
            return Err(format!(
                "a {} datastore's container has to exist; make it with the tools of its owner",
                place.kind()
            )
            .into());
        }
    };
    let client = ReqwestConnector::default()
        .connect(&options())
        .map_err(|error| error.to_string())?;
    let response = client
        .execute(request)
        .await
        .map_err(|error| NotMade::Unanswered(in_words(&error)))?;
    match response.status() {
        // A conflict says that it is there.
        status if status.is_success() || status == StatusCode::CONFLICT => Ok(()),
        status => Err(format!("the container could not be made: {status}").into()),
    }
}

type NewContainer = Result<Request<HttpRequestBody>, String>;

fn put(url: &str) -> NewContainer {
    Request::builder()
        .method(Method::PUT)
        .uri(url)
        .body(HttpRequestBody::empty())
        .map_err(|error| error.to_string())
}

/// <https://learn.microsoft.com/rest/api/storageservices/create-container>
fn new_azure_container(
    account: &str,
    container: &str,
    endpoint: Option<&str>,
    secrets: &Revealed,
) -> NewContainer {
    let default = format!("https://{account}.blob.core.windows.net");
    let endpoint = endpoint.unwrap_or(&default).trim_end_matches('/');
    let url = format!("{endpoint}/{container}?restype=container");
    let credential = match (secrets.get("account_key"), secrets.get("sas_token")) {
        (Some(key), _) => {
            let key = AzureAccessKey::try_new(key).map_err(|error| error.to_string())?;
            AzureCredential::AccessKey(key)
        }
        (None, Some(token)) => AzureCredential::SASToken(pairs(token)),
        (None, None) => return Err("making a container needs an account key".to_owned()),
    };
    let mut request = put(&url)?;
    request
        .headers_mut()
        .insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(0));
    AzureAuthorizer::new(&credential, account).authorize(&mut request);
    Ok(request)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>
fn new_s3_bucket(
    bucket: &str,
    region: &str,
    endpoint: Option<&str>,
    access_key_id: Option<&str>,
    secrets: &Revealed,
) -> NewContainer {
    let default = format!("https://s3.{region}.amazonaws.com");
    let endpoint = endpoint.unwrap_or(&default).trim_end_matches('/');
    let (Some(id), Some(key)) = (access_key_id, secrets.get("secret_access_key")) else {
        return Err("making a bucket needs a key".to_owned());
    };
    let credential = AwsCredential {
        key_id: id.to_owned(),
        secret_key: key.clone(),
        token: secrets.get("session_token").cloned(),
    };
    let mut request = put(&format!("{endpoint}/{bucket}"))?;
    AwsAuthorizer::new(&credential, "s3", region).authorize(&mut request, None);
    Ok(request)
}
