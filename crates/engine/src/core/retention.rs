//! What may go when room is needed: a decision over things that take room and need each other.
//!
//! A thing stays as long as something needs it that stays. So things are put into groups: a group
//! is what the newest of its members keeps alive. Groups are ordered by that member's age, and what
//! goes is always the oldest groups, each as a whole. How much is kept is the policy's business;
//! what is held is in the first group and never goes.
//!
//! Invariant: nothing that stays needs something that goes.

use stepwell_model::Timestamp;

/// Something that takes room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// The room it takes.
    pub bytes: u64,
    /// Why it stays or may go, for its own sake.
    pub claim: Claim,
    /// The places, in the list of all things, of what it needs.
    pub needs: Vec<usize>,
}

/// Why a thing stays or may go, for its own sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It stays, whatever its age and however little room there is.
    Held,
    /// It was last of use then, and goes when that is long enough ago or when room is needed.
    Used(Timestamp),
    /// Nobody wants it for its own sake: it goes unless something that stays needs it.
    None,
}

/// How much is to be kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// What was of use before then goes. `None`: age is no reason.
    pub before: Option<Timestamp>,
    /// The oldest things go until no more room than this is taken. `None`: size is no reason.
    pub bytes_max: Option<u64>,
    /// Room that is taken by what is in no list.
    pub bytes_besides: u64,
}

/// Decides. Gives, for each thing, whether it stays.
///
/// Linear in the things and their needs, but for sorting the things by age.
#[must_use]
pub fn stays(things: &[Thing], policy: &Policy) -> Vec<bool> {
    let groups = groups(things);
    let mut taken = groups.iter().fold(policy.bytes_besides, |sum, group| {
        sum.saturating_add(group.bytes)
    });
    let mut kept = groups.len();
    // The last group is the one that is missed least.
    while let Some(group) = kept.checked_sub(1).map(|last| &groups[last]) {
        let goes = match group.claim {
            Claim::Held => false,
            Claim::None => true,
            Claim::Used(at) => {
                policy.before.is_some_and(|before| at < before)
                    || policy.bytes_max.is_some_and(|max| taken > max)
            }
        };
        if !goes {
            break;
        }
        taken = taken.saturating_sub(group.bytes);
        kept -= 1;
    }
    let mut stays = vec![false; things.len()];
    for &member in groups[..kept].iter().flat_map(|group| &group.members) {
        stays[member] = true;
    }
    stays
}

/// What one thing keeps alive, itself included, and no newer thing does.
struct Group {
    claim: Claim,
    bytes: u64,
    members: Vec<usize>,
}

/// The groups, the newest first.
fn groups(things: &[Thing]) -> Vec<Group> {
    let rank = |claim: Claim| match claim {
        Claim::Held => i64::MAX,
        Claim::Used(at) => at.as_millis().clamp(i64::MIN + 1, i64::MAX - 1),
        Claim::None => i64::MIN,
    };
    let mut order: Vec<usize> = (0..things.len()).collect();
    order.sort_by_key(|&thing| std::cmp::Reverse(rank(things[thing].claim)));
    let mut seen = vec![false; things.len()];
    let mut groups = Vec::new();
    for first in order {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        let mut members = vec![first];
        let mut next = 0;
        while let Some(&member) = members.get(next) {
            next += 1;
            for &needed in &things[member].needs {
                if !std::mem::replace(&mut seen[needed], true) {
                    members.push(needed);
                }
            }
        }
        groups.push(Group {
            claim: things[first].claim,
            bytes: members.iter().map(|&member| things[member].bytes).sum(),
            members,
        });
    }
    groups
}
