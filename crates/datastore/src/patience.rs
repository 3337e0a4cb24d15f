//! Waits as long as a busy store asks: `Retry-After` of answers 429 and 503 is kept before the
//! answer reaches `object_store`, whose own retries know only their backoff.
//!
//! RFC 9110, 10.2.3: the header is a number of seconds or a date; stores send seconds.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use crate::limits;

/// Connects as `object_store` does, and waits when asked to.
#[derive(Debug, Default)]
pub(crate) struct Patient(ReqwestConnector);

impl HttpConnector for Patient {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = self.0.connect(options)?;
        Ok(HttpClient::new(PatientService { inner }))
    }
}

#[derive(Debug)]
struct PatientService {
    inner: HttpClient,
}

impl HttpService for PatientService {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let response = self.inner.execute(request).await?;
            if let Some(pause) = pause_of(&response) {
                tokio::time::sleep(pause).await;
            }
            Ok(response)
        })
    }
}

/// How long an answer asks to wait, up to the limit.
fn pause_of<B>(response: &http::Response<B>) -> Option<Duration> {
    let is_busy = matches!(
        response.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = seconds.trim().parse::<u64>().ok().filter(|_| is_busy)?;
    Some(Duration::from_secs(seconds).min(limits::RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(status: u16, header: Option<&str>) -> Option<Duration> {
        let mut response = http::Response::builder().status(status);
        if let Some(text) = header {
            response = response.header(RETRY_AFTER, text);
        }
        pause_of(&response.body(()).expect("a response"))
    }

    #[test]
    fn a_busy_store_is_left_alone_as_long_as_it_asks() {
        assert_eq!(pause(503, Some("2")), Some(Duration::from_secs(2)));
        assert_eq!(pause(429, Some(" 1 ")), Some(Duration::from_secs(1)));
        assert_eq!(pause(503, Some("86400")), Some(limits::RETRY_AFTER_MAX));
        assert_eq!(pause(503, None), None);
        assert_eq!(pause(503, Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
        assert_eq!(pause(200, Some("2")), None);
    }
}
