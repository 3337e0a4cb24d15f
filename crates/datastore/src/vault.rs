//! Credentials and secrets as they are stored: sealed with a key that lies in the data folder,
//! readable by its owner.
//!
//! The key is apart from the database so that a copy of the database opens nothing. Whoever can
//! read the whole folder can open it: the server has to, unattended.
//!
//! Format: one byte 1, 12 bytes nonce, then ChaCha20-Poly1305 (RFC 8439) over the JSON of a
//! datastore's credentials, or the text of a secret. The associated data is the datastore's name, or
//! `secret:` and the secret's name in lower case; no datastore's name has a colon. So what is sealed
//! under one name opens under no other.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use camino::Utf8Path;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{Credentials, Error, Result};

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const NEWER: &str = "it was stored by a newer Stepwell";

/// Seals and opens credentials and secrets.
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
        let refuse = of_datastore(datastore);
        let text = serde_json::to_vec(credentials).map_err(|_| refuse("they are not texts"))?;
        self.close(datastore, text, refuse)
    }

    /// Opens what was sealed for a datastore.
    ///
    /// # Errors
    /// When it was sealed for another datastore or with another key, or is damaged.
    pub fn unseal(&self, datastore: &str, sealed: &[u8]) -> Result<Credentials> {
        let refuse = of_datastore(datastore);
        let opened = self.reveal(datastore, sealed, &refuse)?;
        serde_json::from_slice(&opened).map_err(|_| refuse(NEWER))
    }

    /// Seals the text of a secret.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_secret(&self, name: &str, text: &str) -> Result<Vec<u8>> {
        self.close(&label(name), text.as_bytes().to_vec(), of_secret(name))
    }

    /// Opens what was sealed as the text of a secret.
    ///
    /// # Errors
    /// When it was sealed for another secret or with another key, or is damaged.
    pub fn unseal_secret(&self, name: &str, sealed: &[u8]) -> Result<String> {
        let refuse = of_secret(name);
        let opened = self.reveal(&label(name), sealed, &refuse)?;
        String::from_utf8(opened).map_err(|_| refuse(NEWER))
    }

    fn close(
        &self,
        label: &str,
        mut text: Vec<u8>,
        refuse: impl Fn(&str) -> Error,
    ) -> Result<Vec<u8>> {
        let nonce = random::<NONCE_LEN>()?;
        let aad = Aad::from(label.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| refuse("it is too long"))?;
        let mut sealed = vec![FORMAT];
        sealed.extend(nonce);
        sealed.extend(text);
        Ok(sealed)
    }

    fn reveal(
        &self,
        label: &str,
        sealed: &[u8],
        refuse: impl Fn(&str) -> Error,
    ) -> Result<Vec<u8>> {
        let newer = || refuse(NEWER);
        let (format, rest) = sealed.split_first().ok_or_else(newer)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or_else(newer)?;
        if *format != FORMAT {
            return Err(newer());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| newer())?;
        let mut text = text.to_vec();
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(label.as_bytes()), &mut text)
            .map_err(|_| refuse("the key in the data folder is another, or it is damaged"))?;
        Ok(opened.to_vec())
    }
}

/// The associated data of a secret, whose name is the same in any case of its letters.
fn label(name: &str) -> String {
    format!("secret:{}", name.to_ascii_lowercase())
}

fn of_datastore(datastore: &str) -> impl Fn(&str) -> Error {
    |fault| Error::Sealed {
        datastore: datastore.to_owned(),
        fault: fault.to_owned(),
    }
}

fn of_secret(name: &str) -> impl Fn(&str) -> Error {
    |fault| Error::SealedSecret {
        name: name.to_owned(),
        fault: fault.to_owned(),
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
        let temp = camino_tempfile::tempdir().expect("a folder");
        let path = temp.path().join("key");
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

    #[test]
    fn a_secret_opens_under_its_own_name_only_in_any_case() {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let path = temp.path().join("key");
        let vault = Vault::open(&path).expect("a new key");
        let sealed = vault.seal_secret("Db-Key", "hunter2").expect("sealed");
        assert!(!sealed.windows(7).any(|bytes| bytes == b"hunter2"));
        let opened = vault.unseal_secret("dB-kEY", &sealed).expect("opened");
        assert_eq!(opened, "hunter2");
        let error = vault
            .unseal_secret("other", &sealed)
            .expect_err("another name");
        assert!(error.to_string().contains("`other`"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        // Neither is taken for the credentials of a datastore of that name.
        assert!(vault.unseal("Db-Key", &sealed).is_err());
        let none = Credentials::new();
        let credentials = vault.seal("db-key", &none).expect("sealed");
        assert!(vault.unseal_secret("db-key", &credentials).is_err());
    }
}
