//! The tokens that owners gave, in memory as they are in the database.
//!
//! A token's text is 256 random bits, so its BLAKE3 digest is as good as the text is secret: there
//! is nothing to guess that a slow digest such as Argon2, made for passwords, would protect; and a
//! digest is made for every request. Looking a digest up tells nothing by the time it takes, as
//! nobody can choose a text whose digest begins like another's.
//!
//! Invariant: no token's text is stored or logged.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use stepwell_api::{Role, TokenInfo};
use stepwell_model::Timestamp;
use stepwell_store::tokens::Token;
use uuid::Uuid;

/// How a token's text begins, so that people and scanners of secrets know one when they see it.
const PREFIX: &str = "stw_";

/// How exactly the last use is remembered.
const USED_EVERY_MS: i64 = 60_000;

/// A token as requests are compared with it.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Token,
    pub(crate) role: Role,
    used_ms: AtomicI64,
}

impl Issued {
    fn new(token: Token) -> Self {
        let known = Role::ALL
            .into_iter()
            .find(|role| role.as_str() == token.role);
        Self {
            // A role that a newer program gave is none that this one could grant.
            role: known.unwrap_or(Role::Reader),
            used_ms: AtomicI64::new(token.used.map_or(0, Timestamp::as_millis)),
            token,
        }
    }

    /// Notes a use; whether that is news worth storing.
    pub(crate) fn note_use(&self, now: Timestamp) -> bool {
        let (now, last) = (now.as_millis(), self.used_ms.load(Ordering::Relaxed));
        let exchange = || {
            let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
            self.used_ms.compare_exchange(last, now, set, get).is_ok()
        };
        now - last >= USED_EVERY_MS && exchange()
    }

    /// Why it lets nobody in, if so.
    pub(crate) fn fault(&self, now: Timestamp) -> Option<&'static str> {
        match &self.token {
            token if token.revoked.is_some() => Some("the token was revoked"),
            token if token.expires.is_some_and(|at| at <= now) => Some("the token has expired"),
            _ => None,
        }
    }

    /// What clients see of it.
    pub(crate) fn info(&self, now: Timestamp) -> TokenInfo {
        let token = &self.token;
        let text = |at: Timestamp| at.to_string();
        let used = self.used_ms.load(Ordering::Relaxed);
        TokenInfo {
            id: token.id,
            name: token.name.clone(),
            role: self.role,
            is_valid: self.fault(now).is_none(),
            created_at: token.created.to_string(),
            created_by: token.created_by.clone(),
            expires_at: token.expires.map(text),
            revoked_at: token.revoked.map(text),
            last_used_at: (used > 0).then(|| text(Timestamp::from_millis(used))),
        }
    }
}

/// All tokens of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    by_hash: RwLock<HashMap<[u8; 32], Arc<Issued>>>,
}

impl Tokens {
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        let all = Self::default();
        for token in tokens {
            all.put(token);
        }
        all
    }

    /// Adds a token, or takes it as it has become.
    pub(crate) fn put(&self, token: Token) -> Arc<Issued> {
        let (hash, issued) = (token.hash, Arc::new(Issued::new(token)));
        let mut all = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.insert(hash, Arc::clone(&issued)) {
            let used = known.used_ms.load(Ordering::Relaxed);
            issued.used_ms.fetch_max(used, Ordering::Relaxed);
        }
        issued
    }

    /// The token with this text.
    pub(crate) fn find(&self, text: &str) -> Option<Arc<Issued>> {
        let all = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&hash(text)).cloned()
    }

    /// The token with this id.
    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<Issued>> {
        self.list(|issued| issued.token.id == id).pop()
    }

    /// The tokens of which something is true, the oldest first.
    pub(crate) fn list(&self, wanted: impl Fn(&Issued) -> bool) -> Vec<Arc<Issued>> {
        let all = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = all
            .values()
            .filter(|token| wanted(token))
            .cloned()
            .collect();
        found.sort_by_key(|issued| (issued.token.created, issued.token.id));
        found
    }

    /// The token of an id or, among those that are not revoked, of a name.
    pub(crate) fn named(&self, text: &str) -> Option<Arc<Issued>> {
        let id: Option<Uuid> = text.parse().ok();
        let is_it = |issued: &Issued| match id {
            Some(id) => issued.token.id == id,
            None => issued.token.name == text && issued.token.revoked.is_none(),
        };
        self.list(is_it).pop()
    }
}

/// Whether a text looks like a token of ours at all.
pub(crate) fn looks_issued(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// A new text: 256 bits from the operating system; `None` when it has none to give.
pub(crate) fn new_text() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is stored of a text.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires: Option<i64>) -> Token {
        Token {
            id: Uuid::from_u128(1),
            name: "ci".to_owned(),
            role: "submitter".to_owned(),
            hash: hash("stw_x"),
            created: Timestamp::from_millis(1),
            created_by: String::new(),
            expires: expires.map(Timestamp::from_millis),
            revoked: None,
            used: None,
        }
    }

    #[test]
    fn a_token_ends_at_its_time_and_when_it_is_revoked() {
        let tokens = Tokens::new(vec![token(Some(100))]);
        let fault = |at| {
            tokens
                .find("stw_x")
                .and_then(|it| it.fault(Timestamp::from_millis(at)))
        };
        assert_eq!(fault(99), None);
        assert_eq!(fault(100), Some("the token has expired"));
        let revoked = Some(Timestamp::from_millis(50));
        tokens.put(Token {
            revoked,
            ..token(None)
        });
        assert_eq!(fault(60), Some("the token was revoked"));
        assert!(tokens.named("ci").is_none(), "its name is free");
        assert!(tokens.find("stw_y").is_none());
    }

    #[test]
    fn the_last_use_is_stored_once_a_minute() {
        let issued = Issued::new(token(None));
        let uses = [100_000, 100_001, 159_999, 160_000, 160_001];
        let news = uses.map(|at| issued.note_use(Timestamp::from_millis(at)));
        assert_eq!(news, [true, false, false, true, false]);
    }

    #[test]
    fn texts_are_long_and_new_each_time() {
        let (a, b) = (new_text().expect("random"), new_text().expect("random"));
        assert_ne!(a, b);
        assert_eq!(a.len(), PREFIX.len() + 43, "256 bits");
        assert!(looks_issued(&a));
    }
}
