//! Passes: tokens that are nowhere stored. A pass says whom it lets in and until when, and carries
//! a signature; whoever holds the server's key can tell that it is true.
//!
//! They are JSON web tokens (RFC 7519) with HS256, because programs written for `azureml-v1` look
//! for the time of expiry in theirs; these programs never check the signature, the server always
//! does. A step's pass costs no row and no request: making one is one HMAC. A ticket is short, as
//! people read the links that carry it: its expiry, who made it, and half of the signature.
//!
//! Invariant: a pass is good for one purpose and one workspace, and names the token it came from:
//! whoever reads one makes sure that this token is still good.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use stepwell_api::Role;
use stepwell_model::{RunId, Timestamp};
use uuid::Uuid;

/// When a step's pass expires on paper: 2100-01-01T00:00:00Z, which every client can read as a
/// time. In truth it ends with the run; see `access::identify`.
const STEP_EXPIRY_S: i64 = 4_102_444_800;

/// How long a link to a page is good, and then the page: 12 hours.
const PAGE_LIFE_S: i64 = 12 * 3_600;

/// What a pass is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A step speaks to the server.
    Step(RunId),
    /// A page asks for what it shows.
    Session(Session),
}

/// What a page may do, and whose access it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) role: Role,
    pub(crate) origin: Origin,
}

/// What a page's access came from, and ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The folder's own token: all that was made with it ends when the file `token` is replaced.
    Folder,
    /// The token with this id.
    Token(Uuid),
}

impl Origin {
    /// The id that nobody has stands for the folder.
    fn to_bytes(self) -> [u8; 16] {
        match self {
            Self::Folder => Uuid::nil(),
            Self::Token(id) => id,
        }
        .into_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        match Uuid::from_bytes(bytes) {
            id if id.is_nil() => Self::Folder,
            id => Self::Token(id),
        }
    }
}

/// How many bytes of the signature a ticket carries: 128 bits cannot be guessed.
const TICKET_TAG: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// Which workspace.
    aud: String,
    /// Until when, in seconds since 1970.
    exp: i64,
    iss: String,
    /// The tenant, which v1 clients look for.
    tid: Uuid,
    purpose: Purpose,
}

/// Signs passes and reads them.
#[derive(Clone)]
pub(crate) struct Passes {
    key: hmac::Key,
    workspace: String,
}

impl Passes {
    /// Passes of a workspace, signed with a key that follows from the secret.
    pub(crate) fn new(secret: &str, workspace: &str) -> Self {
        let key = blake3::derive_key("stepwell 2026-11 passes", secret.as_bytes());
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            workspace: workspace.to_owned(),
        }
    }

    /// What a step shows.
    pub(crate) fn step(&self, run: RunId) -> String {
        self.sign(Purpose::Step(run), STEP_EXPIRY_S)
    }

    /// What a link carries, and until when it is good.
    pub(crate) fn ticket(&self, origin: Origin, now: Timestamp) -> (String, Timestamp) {
        let expiry = page_expiry(now);
        let text = [&expiry.to_be_bytes()[..], &origin.to_bytes()].concat();
        let tag = self.ticket_tag(&text);
        let ticket = [&text[..], &tag].concat();
        (encode(&ticket), Timestamp::from_millis(expiry * 1_000))
    }

    /// Who made a link's ticket and until when it is good, if it is one of ours and not expired.
    pub(crate) fn read_ticket(&self, ticket: &str, now: Timestamp) -> Option<(Origin, Timestamp)> {
        let ticket = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (text, tag) = ticket.split_last_chunk::<TICKET_TAG>()?;
        let (seconds, origin) = text.split_first_chunk::<8>()?;
        let expiry = Timestamp::from_millis(i64::from_be_bytes(*seconds).checked_mul(1_000)?);
        let is_ours = super::equal(tag, self.ticket_tag(text)) && now < expiry;
        let origin = Origin::from_bytes(origin.try_into().ok()?);
        is_ours.then_some((origin, expiry))
    }

    /// No token can begin so.
    fn ticket_tag(&self, text: &[u8]) -> [u8; TICKET_TAG] {
        let signed = [b"ticket ", self.workspace.as_bytes(), text].concat();
        let tag = hmac::sign(&self.key, &signed);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// What a page keeps, and until when it is good: half a day, and no longer than `limit`.
    pub(crate) fn session(
        &self,
        session: Session,
        limit: Option<Timestamp>,
        now: Timestamp,
    ) -> (String, Timestamp) {
        let limit = limit.map_or(i64::MAX, |limit| limit.as_millis() / 1_000);
        let expiry = page_expiry(now).min(limit);
        let text = self.sign(Purpose::Session(session), expiry);
        (text, Timestamp::from_millis(expiry * 1_000))
    }

    fn sign(&self, purpose: Purpose, exp: i64) -> String {
        let claims = Claims {
            aud: self.workspace.clone(),
            exp,
            iss: "stepwell".to_owned(),
            tid: Uuid::nil(),
            purpose,
        };
        let head = encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let body = encode(&serde_json::to_vec(&claims).unwrap_or_default());
        let signed = format!("{head}.{body}");
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", encode(tag.as_ref()))
    }

    /// What a pass is for, if it is one of ours and not expired.
    pub(crate) fn read(&self, text: &str, now: Timestamp) -> Option<Purpose> {
        let (signed, tag) = text.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &tag).ok()?;
        let body = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Claims = serde_json::from_slice(&body).ok()?;
        let good = claims.aud == self.workspace && now.as_millis() < claims.exp * 1_000;
        good.then_some(claims.purpose)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// In seconds since 1970.
fn page_expiry(now: Timestamp) -> i64 {
    now.as_millis() / 1_000 + PAGE_LIFE_S
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn a_pass_is_read_back_by_its_own_workspace_only() {
        let passes = Passes::new("secret", "w");
        let run = RunId::new(Uuid::from_u128(7));
        let pass = passes.step(run);
        assert_eq!(passes.read(&pass, NOW), Some(Purpose::Step(run)));
        assert_eq!(Passes::new("secret", "v").read(&pass, NOW), None);
        assert_eq!(Passes::new("other", "w").read(&pass, NOW), None);
    }

    #[test]
    fn no_bit_of_a_pass_can_be_changed() {
        let passes = Passes::new("secret", "w");
        let pass = passes.step(RunId::new(Uuid::from_u128(7)));
        for place in 0..pass.len() {
            let mut changed = pass.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(passes.read(&changed, NOW), None, "at {place}");
            assert_eq!(passes.read(&pass[..place], NOW), None, "up to {place}");
        }
    }

    const READER: Session = Session {
        role: Role::Reader,
        origin: Origin::Folder,
    };

    #[test]
    fn a_page_is_let_in_for_half_a_day_and_no_longer_than_what_it_came_from() {
        let passes = Passes::new("secret", "w");
        let (session, expiry) = passes.session(READER, None, NOW);
        let before = Timestamp::from_millis(expiry.as_millis() - 1);
        let purpose = Some(Purpose::Session(READER));
        assert_eq!(passes.read(&session, before), purpose);
        assert_eq!(passes.read(&session, expiry), None);
        assert_eq!(expiry.as_millis() - NOW.as_millis(), 12 * 3_600_000);
        let limit = Timestamp::from_millis(NOW.as_millis() + 5_000);
        let (session, expiry) = passes.session(READER, Some(limit), NOW);
        assert_eq!(expiry, limit);
        assert_eq!(passes.read(&session, limit), None);
    }

    #[test]
    fn a_ticket_names_its_maker_for_half_a_day_and_is_short() {
        let passes = Passes::new("secret", "w");
        let token = Origin::Token(Uuid::from_u128(7));
        for origin in [Origin::Folder, token] {
            let (ticket, expiry) = passes.ticket(origin, NOW);
            assert!(ticket.len() < 64, "{ticket}");
            let before = Timestamp::from_millis(expiry.as_millis() - 1);
            assert_eq!(passes.read_ticket(&ticket, before), Some((origin, expiry)));
            assert_eq!(passes.read_ticket(&ticket, expiry), None);
            assert_eq!(Passes::new("secret", "v").read_ticket(&ticket, NOW), None);
            assert_eq!(passes.read(&ticket, NOW), None);
            for place in 0..ticket.len() - 1 {
                let mut changed = ticket.clone().into_bytes();
                changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).expect("text");
                assert_eq!(passes.read_ticket(&changed, NOW), None, "at {place}");
                assert_eq!(passes.read_ticket(&ticket[..place], NOW), None);
            }
        }
    }

    #[test]
    fn a_step_gets_a_json_web_token_with_an_expiry() {
        let pass = Passes::new("secret", "w").step(RunId::new(Uuid::from_u128(7)));
        let parts: Vec<&str> = pass.split('.').collect();
        let decode = |text| URL_SAFE_NO_PAD.decode(text).expect("base64");
        let value =
            |text| -> serde_json::Value { serde_json::from_slice(&decode(text)).expect("JSON") };
        assert_eq!(parts.len(), 3);
        assert_eq!(value(parts[0])["alg"], "HS256");
        assert_eq!(value(parts[1])["exp"], STEP_EXPIRY_S);
    }
}
