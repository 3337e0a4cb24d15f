//! A time zone by the name that the user wrote: IANA or Windows.
//!
//! The rules come from the database that the caller passes, so that nothing here reads a file.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::windows;

/// A zone that was found.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    iana: String,
    rules: TimeZone,
}

/// Why a name is not a zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no time zone; write an IANA name such as `Europe/Berlin`, or a Windows name such \
     as `W. Europe Standard Time`"
)]
pub struct ZoneError {
    /// What was written.
    pub name: String,
}

impl Zone {
    /// The zone of this name; `UTC` when there is none.
    ///
    /// # Errors
    /// When neither Windows nor the database knows the name.
    pub fn find(database: &TimeZoneDatabase, name: Option<&str>) -> Result<Self, ZoneError> {
        let name = name.unwrap_or("UTC");
        let unknown = || ZoneError {
            name: name.to_owned(),
        };
        let iana = windows::iana(name).unwrap_or(name);
        let rules = match iana {
            "UTC" | "Etc/UTC" => TimeZone::UTC,
            // Left to the database, an empty name or a path might be looked up as a file.
            iana if !is_plain(iana) => return Err(unknown()),
            iana => database.get(iana).map_err(|_| unknown())?,
        };
        let iana = rules.iana_name().unwrap_or(iana).to_owned();
        Ok(Self {
            name: name.to_owned(),
            iana,
            rules,
        })
    }

    /// The name as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its IANA name.
    #[must_use]
    pub fn iana(&self) -> &str {
        &self.iana
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

fn is_plain(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(known)
}
