//! What has changed in a folder of a datastore since it was last looked at, once it has settled.
//!
//! A file is new when its fingerprint (size and time of change, or the store's tag) is not the one
//! known. It is delivered when the next look finds the same fingerprint again: a file that is still
//! being written is not. Each change is delivered once; what the folder held when the schedule was
//! made is none. A file that goes away is forgotten, so that its return is a change.
//!
//! Invariant: applying a look twice delivers what it delivers once.

use std::collections::BTreeMap;

/// The path of a file below the watched folder, and what its content looks like from outside.
pub type Listing = BTreeMap<String, String>;

/// What is known of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Files that were delivered, or were there from the beginning.
    pub known: Listing,
    /// Files that are new or changed, and have to settle.
    pub settling: Listing,
}

/// What one look has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What has settled and is to be delivered, in the order of paths.
    pub delivered: Vec<String>,
    /// What has to be remembered: paths with their fingerprints, known or still settling.
    pub remember: Vec<(String, String, Standing)>,
    /// What is to be forgotten.
    pub forget: Vec<String>,
}

/// How a remembered file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Delivered, or there from the beginning.
    Known,
    /// Not settled yet.
    Settling,
}

impl Watch {
    /// Takes a first look: everything there is known.
    #[must_use]
    pub fn begin(listing: Listing) -> Self {
        Self {
            known: listing,
            settling: Listing::new(),
        }
    }

    /// Takes another look.
    pub fn look(&mut self, listing: &Listing) -> Look {
        let mut look = Look::default();
        for (path, fingerprint) in listing {
            let mut remember = |standing| {
                look.remember
                    .push((path.clone(), fingerprint.clone(), standing));
            };
            if self.known.get(path) == Some(fingerprint) {
                // Changed, and changed back before it settled.
                if self.settling.remove(path).is_some() {
                    remember(Standing::Known);
                }
            } else if self.settling.get(path) == Some(fingerprint) {
                remember(Standing::Known);
                look.delivered.push(path.clone());
                self.settling.remove(path);
                self.known.insert(path.clone(), fingerprint.clone());
            } else {
                remember(Standing::Settling);
                self.settling.insert(path.clone(), fingerprint.clone());
            }
        }
        let gone = |known: &Listing| -> Vec<String> {
            let gone = known.keys().filter(|path| !listing.contains_key(*path));
            gone.cloned().collect()
        };
        look.forget = gone(&self.known);
        look.forget.extend(gone(&self.settling));
        look.forget.sort_unstable();
        look.forget.dedup();
        for path in &look.forget {
            self.known.remove(path);
            self.settling.remove(path);
        }
        look
    }

    /// Whether something has to settle, so that another look is wanted soon.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        !self.settling.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(files: &[(&str, &str)]) -> Listing {
        let own = |(path, print): &(&str, &str)| ((*path).to_owned(), (*print).to_owned());
        files.iter().map(own).collect()
    }

    #[test]
    fn what_was_there_is_no_change() {
        let mut watch = Watch::begin(listing(&[("a", "1")]));
        assert_eq!(watch.look(&listing(&[("a", "1")])), Look::default());
    }

    #[test]
    fn a_file_is_delivered_once_it_has_settled_and_never_again() {
        let mut watch = Watch::begin(Listing::new());
        assert!(watch.look(&listing(&[("d/a", "1")])).delivered.is_empty());
        assert!(watch.look(&listing(&[("d/a", "2")])).delivered.is_empty());
        assert!(watch.is_settling());
        assert_eq!(watch.look(&listing(&[("d/a", "2")])).delivered, ["d/a"]);
        assert_eq!(watch.look(&listing(&[("d/a", "2")])), Look::default());
        watch.look(&listing(&[("d/a", "3")]));
        assert_eq!(watch.look(&listing(&[("d/a", "3")])).delivered, ["d/a"]);
    }

    #[test]
    fn a_file_that_comes_back_is_new() {
        let mut watch = Watch::begin(listing(&[("a", "1")]));
        assert_eq!(watch.look(&Listing::new()).forget, ["a"]);
        watch.look(&listing(&[("a", "1")]));
        assert_eq!(watch.look(&listing(&[("a", "1")])).delivered, ["a"]);
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let mut watch = Watch::begin(listing(&[("a", "1")]));
        watch.look(&listing(&[("a", "2")]));
        let look = watch.look(&listing(&[("a", "1")]));
        assert_eq!(look.delivered, Vec::<String>::new());
        assert!(!watch.is_settling());
    }
}
