//! Calls about secrets.

use stepwell_api::{HiddenText, Secret, SecretList, SetSecret};

use super::calls::encoded;
use super::{Client, Result};

impl Client {
    /// The secrets, sorted by name, without their texts.
    pub(crate) fn secrets(&self) -> Result<Vec<Secret>> {
        let list: SecretList = self.get("secrets", &[])?;
        Ok(list.secrets)
    }

    /// Keeps a secret, or gives the one of its name another text.
    pub(crate) fn set_secret(&self, name: &str, text: &str, content_type: &str) -> Result<Secret> {
        let path = encoded(&["secrets", name]);
        let body = SetSecret {
            value: HiddenText(text.to_owned()),
            content_type: content_type.to_owned(),
        };
        let request = self.authorized(self.agent.put(self.address(&path)));
        let answer = self.settle(&path, request.send_json(body))?;
        self.parsed(&path, answer)
    }

    /// Forgets a secret.
    pub(crate) fn delete_secret(&self, name: &str) -> Result<()> {
        let path = encoded(&["secrets", name]);
        let request = self.authorized(self.agent.delete(self.address(&path)));
        self.settle(&path, request.call()).map(drop)
    }
}
