//! The certificate and key of a server that is asked over https.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where a server's certificate and its key are, as PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and the authority's.
    pub certificate: Utf8PathBuf,
    /// Its private key.
    pub key: Utf8PathBuf,
}

/// Why they cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    File {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("`{path}` holds no {what} in PEM: {reason}")]
    Pem {
        /// The file.
        path: Utf8PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        reason: String,
    },
    /// The key belongs to another certificate, or is of a kind that is not known.
    #[error("`{certificate}` and `{key}` cannot be used together: {reason}")]
    Pair {
        /// The certificate.
        certificate: Utf8PathBuf,
        /// The key.
        key: Utf8PathBuf,
        /// Why.
        reason: String,
    },
}

/// Reads the files. They are read once: a renewed certificate is used after the next start.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let pem = |path: &Utf8Path, what, reason: String| TlsError::Pem {
        path: path.to_owned(),
        what,
        reason,
    };
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, PemError>>();
    let chain = chain.map_err(|error| pem(&files.certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(
            &files.certificate,
            "certificate",
            "it is empty".to_owned(),
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| pem(&files.key, "private key", error.to_string()))?;
    let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        reason: error.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &Utf8Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}
