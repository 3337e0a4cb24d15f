//! Credentials at rest: sealed with a key that lies in the data folder, readable by its owner.
//!
//! The key is apart from the database so that a copy of the database opens nothing. Whoever can
//! read the whole folder can open it: the server has to, unattended.
//!
//! Format: one byte 1, 12 bytes nonce, then ChaCha20-Poly1305 (RFC 8439) over the JSON of the
//! credentials, with the datastore's name as associated data.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use camino::Utf8Path;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{Credentials, Error, Result};

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;

/// Seals and opens credentials.
pub struct Vault {
    key: LessSafeKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vault")
    }
}

impl Vault {
    /// Takes the key of a file; makes both when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds no key.
    pub fn open(path: &Utf8Path) -> Result<Self> {
        let key = match fs_err::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(path)?,
            Err(error) => return Err(error.into()),
        };
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| Error::File {
            kind: std::io::ErrorKind::InvalidData,
            text: format!("`{path}` holds no key of {KEY_BYTES} bytes"),
        })?;
        Ok(Self {
            key: LessSafeKey::new(key),
        })
    }

    /// Seals the credentials of a datastore.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal(&self, datastore: &str, credentials: &Credentials) -> Result<Vec<u8>> {
        let sealed = |fault: &str| Error::Sealed {
            datastore: datastore.to_owned(),
            fault: fault.to_owned(),
        };
        let nonce = random::<NONCE_LEN>()?;
        let mut text = serde_json::to_vec(credentials).map_err(|_| sealed("they are not texts"))?;
        let aad = Aad::from(datastore.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| sealed("they are too long"))?;
        let mut sealed = vec![FORMAT];
        sealed.extend(nonce);
        sealed.extend(text);
        Ok(sealed)
    }

    /// Opens what was sealed for a datastore.
    ///
    /// # Errors
    /// When it was sealed for another datastore or with another key, or is damaged.
    pub fn unseal(&self, datastore: &str, sealed: &[u8]) -> Result<Credentials> {
        let refuse = |fault: &str| Error::Sealed {
            datastore: datastore.to_owned(),
            fault: fault.to_owned(),
        };
        let odd = || refuse("they were stored by a newer Stepwell");
        let (format, rest) = sealed.split_first().ok_or_else(odd)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(odd)?;
        if *format != FORMAT {
            return Err(odd());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| odd())?;
        let mut text = text.to_vec();
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(datastore.as_bytes()), &mut text)
            .map_err(|_| refuse("the key in the data folder is another, or they are damaged"))?;
        serde_json::from_slice(opened).map_err(|_| odd())
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::File {
            kind: std::io::ErrorKind::Other,
            text: "the system gives no random bytes".to_owned(),
        })?;
    Ok(bytes)
}

/// Writes a new key whole and synced, or not at all: what is sealed with it outlives a power cut.
fn make_key(path: &Utf8Path) -> Result<Vec<u8>> {
    let key = random::<KEY_BYTES>()?;
    let aside = path.with_extension("new");
    // One that a killed server left may have other permissions.
    drop(std::fs::remove_file(&aside));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs_err::rename(&aside, path)?;
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::Secret;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_name_only() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = Utf8Path::from_path(temp.path()).expect("utf-8").join("key");
        let vault = Vault::open(&path).expect("a new key");
        let mode = fs_err::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let credentials: Credentials = [("account_key".to_owned(), Secret::new("c2VjcmV0"))].into();
        let sealed = vault.seal("blobs", &credentials).expect("sealed");
        assert!(!sealed.windows(8).any(|bytes| bytes == b"c2VjcmV0"));
        assert_ne!(sealed, vault.seal("blobs", &credentials).expect("sealed"));
        let again = Vault::open(&path).expect("the same key");
        assert_eq!(again.unseal("blobs", &sealed).expect("opened"), credentials);
        assert!(again.unseal("others", &sealed).is_err());
        fs_err::remove_file(&path).expect("removed");
        let other = Vault::open(&path).expect("another key");
        let error = other.unseal("blobs", &sealed).expect_err("another key");
        assert!(error.to_string().contains("the key in the data folder"));
        assert!(other.unseal("blobs", b"").is_err());
    }
}
