//! Whom to believe that a server is the one that was asked for, over https.
//!
//! The well-known authorities, unless `STEPWELL_CA_FILE`, or else `SSL_CERT_FILE`, names a PEM file
//! with others: then those alone.

use camino::Utf8PathBuf;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The variables that name the file, in the order they are asked.
const VARIABLES: [&str; 2] = ["STEPWELL_CA_FILE", "SSL_CERT_FILE"];

/// The file with the authorities is of no use.
#[derive(Debug, thiserror::Error)]
#[error("`{variable}` is `{path}`, which {reason}")]
pub(crate) struct AuthoritiesError {
    variable: &'static str,
    path: Utf8PathBuf,
    reason: String,
}

/// Whether the authorities can be read, so that a mistake is reported as what it is.
pub(crate) fn check_authorities() -> Result<(), AuthoritiesError> {
    authorities().map(drop)
}

/// The settings for a connection. When the authorities cannot be read, nobody is believed.
pub(super) fn tls() -> TlsConfig {
    let roots = match authorities() {
        Ok(None) => RootCerts::WebPki,
        Ok(Some(certificates)) => RootCerts::new_with_certs(&certificates),
        Err(_) => RootCerts::new_with_certs(&[]),
    };
    TlsConfig::builder().root_certs(roots).build()
}

/// The authorities that the environment names, if it does.
fn authorities() -> Result<Option<Vec<Certificate<'static>>>, AuthoritiesError> {
    let named = |variable| {
        let path = std::env::var(variable).ok().filter(|path| !path.is_empty());
        Some((variable, Utf8PathBuf::from(path?)))
    };
    let Some((variable, path)) = VARIABLES.into_iter().find_map(named) else {
        return Ok(None);
    };
    let refuse = |reason: String| AuthoritiesError {
        variable,
        path: path.clone(),
        reason,
    };
    let text = std::fs::read(&path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        let item = item.map_err(|error| refuse(format!("is no PEM file: {error}")))?;
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(refuse("holds no certificate".to_owned())),
        false => Ok(Some(certificates)),
    }
}
