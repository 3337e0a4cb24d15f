//! Ring 1: what may go, on random things that need each other in random ways, cycles included.

use std::collections::HashSet;

use proptest::prelude::*;
use stepwell_engine::core::retention::{Claim, Policy, Thing, stays};
use stepwell_model::Timestamp;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn claims() -> impl Strategy<Value = Claim> {
    prop_oneof![
        1 => Just(Claim::Held),
        6 => (0_i64..50).prop_map(|millis| Claim::Used(at(millis))),
        3 => Just(Claim::None),
    ]
}

fn worlds() -> impl Strategy<Value = Vec<Thing>> {
    (0_usize..24).prop_flat_map(|count| {
        let needs = prop::collection::vec(0..count.max(1), 0..4);
        let thing = (0_u64..100, claims(), needs).prop_map(|(bytes, claim, needs)| Thing {
            bytes,
            claim,
            needs,
        });
        prop::collection::vec(thing, count)
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let before = prop::option::of((0_i64..60).prop_map(at));
    (before, prop::option::of(0_u64..2_000), 0_u64..100).prop_map(
        |(before, bytes_max, bytes_besides)| Policy {
            before,
            bytes_max,
            bytes_besides,
        },
    )
}

/// Everything that can be reached from some things, found in the plainest way.
fn reachable(things: &[Thing], from: impl Iterator<Item = usize>) -> HashSet<usize> {
    let mut found: HashSet<usize> = from.collect();
    loop {
        let needed = found.iter().flat_map(|&thing| &things[thing].needs);
        let more: HashSet<usize> = needed.copied().collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            return found;
        }
    }
}

fn indices(things: &[Thing], wanted: impl Fn(usize, &Thing) -> bool) -> Vec<usize> {
    let all = things.iter().enumerate();
    all.filter(|(index, thing)| wanted(*index, thing))
        .map(|(index, _)| index)
        .collect()
}

fn room(things: &[Thing], stays: &[bool]) -> u64 {
    let kept = things.iter().zip(stays).filter(|(_, stays)| **stays);
    kept.map(|(thing, _)| thing.bytes).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_that_stays_needs_something_that_goes(things in worlds(), policy in policies()) {
        let stays = stays(&things, &policy);
        let kept = indices(&things, |index, _| stays[index]);
        for thing in reachable(&things, kept.into_iter()) {
            prop_assert!(stays[thing], "{thing} is needed and goes");
        }
    }

    #[test]
    fn what_is_held_and_all_it_needs_stays(things in worlds(), policy in policies()) {
        let stays = stays(&things, &policy);
        let held = indices(&things, |_, thing| thing.claim == Claim::Held);
        for thing in reachable(&things, held.into_iter()) {
            prop_assert!(stays[thing]);
        }
    }

    /// By age alone the decision is exactly: what is reachable from something young enough stays.
    #[test]
    fn by_age_goes_what_nothing_young_needs(things in worlds(), before in 0_i64..60) {
        let policy = Policy { before: Some(at(before)), ..Policy::default() };
        let young = indices(&things, |_, thing| match thing.claim {
            Claim::Held => true,
            Claim::Used(used) => used >= at(before),
            Claim::None => false,
        });
        let expected = reachable(&things, young.into_iter());
        let stays = stays(&things, &policy);
        for (index, stays) in stays.into_iter().enumerate() {
            prop_assert_eq!(stays, expected.contains(&index));
        }
    }

    /// By size: it fits, or nothing is left that may go; and no more goes than has to.
    #[test]
    fn by_size_goes_as_much_as_has_to(things in worlds(), max in 0_u64..2_000) {
        let policy = Policy { bytes_max: Some(max), ..Policy::default() };
        let decided = stays(&things, &policy);
        let held = indices(&things, |_, thing| thing.claim == Claim::Held);
        let held = reachable(&things, held.into_iter());
        let only_held = decided.iter().enumerate().all(|(index, stays)| !stays || held.contains(&index));
        prop_assert!(room(&things, &decided) <= max || only_held);
        let unasked = stays(&things, &Policy::default());
        if room(&things, &unasked) <= max {
            prop_assert_eq!(decided, unasked, "there was room enough");
        }
    }

    #[test]
    fn without_a_policy_only_what_nobody_wants_goes(things in worlds()) {
        let wanted = indices(&things, |_, thing| thing.claim != Claim::None);
        let expected = reachable(&things, wanted.into_iter());
        let stays = stays(&things, &Policy::default());
        for (index, stays) in stays.into_iter().enumerate() {
            prop_assert_eq!(stays, expected.contains(&index));
        }
    }

    #[test]
    fn asking_again_for_what_is_left_takes_nothing_more(things in worlds(), policy in policies()) {
        let first = stays(&things, &policy);
        let left: Vec<usize> = indices(&things, |index, _| first[index]);
        let place = |old: &usize| left.iter().position(|kept| kept == old);
        let smaller: Vec<Thing> = left
            .iter()
            .map(|&old| Thing {
                needs: things[old].needs.iter().filter_map(place).collect(),
                ..things[old].clone()
            })
            .collect();
        prop_assert!(stays(&smaller, &policy).into_iter().all(|stays| stays));
    }
}
