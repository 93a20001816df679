//! How many places in the queue a tenant may have.
//!
//! A tenant may have a share of the places that the others leave free. Its limit falls as the queue
//! fills, so that a part of the queue is always free: Choudhury and Hahne, "Dynamic queue length
//! thresholds", 1998. With a share of a half, a tenant alone may have half of the places, and two
//! may have a third each.

/// Returns how many of the `places` a tenant may have, of which `taken` are taken, `own` of them by
/// the tenant itself. It is at least one.
pub(crate) fn limit(places: usize, taken: usize, own: usize, share: f64) -> usize {
    part(places.saturating_sub(taken.saturating_sub(own)), share)
}

/// Returns whether every tenant is below its limit, even one that has all places that are taken.
#[inline]
pub(crate) fn all_are_below(places: usize, taken: usize, share: f64) -> bool {
    taken < part(places.saturating_sub(taken), share)
}

fn part(places: usize, share: f64) -> usize {
    ((places as f64 * share) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A queue whose tenants offer work and leave.
    struct Queue {
        places: usize,
        share: f64,
        own: Vec<usize>,
    }

    impl Queue {
        fn taken(&self) -> usize {
            self.own.iter().sum()
        }

        /// Takes a place for the tenant, unless it has its share or the queue is full.
        fn offer(&mut self, tenant: usize) -> bool {
            let (taken, own) = (self.taken(), self.own[tenant]);
            let admitted = taken < self.places && own < limit(self.places, taken, own, self.share);
            self.own[tenant] += usize::from(admitted);
            admitted
        }
    }

    proptest! {
        #[test]
        fn a_tenant_alone_may_have_its_share_of_all_places(places in 1_usize..1_000, share in 0.001_f64..=1.0) {
            let mut queue = Queue { places, share, own: vec![0] };
            while queue.offer(0) {}
            prop_assert_eq!(queue.own[0], ((places as f64 * share) as usize).max(1));
        }

        /// Where tenants begin, end and offer in any order, each gets what the rule says of the
        /// places in the end: `share / (1 + (n - 1) * share)`, a third for two with a half.
        #[test]
        fn tenants_that_offer_without_end_have_equal_parts(
            tenants in 1_usize..8, places in 100_usize..300, ends in proptest::collection::vec(0..8_usize, 0..500),
        ) {
            let mut queue = Queue { places, share: 0.5, own: vec![0; tenants] };
            let ends = ends.into_iter().chain((0..20 * places).map(|turn| turn % tenants));
            for end in ends {
                let tenant = end % tenants;
                queue.own[tenant] = queue.own[tenant].saturating_sub(1);
                // The one whose task has ended is the last to offer again.
                while (1..=tenants).filter(|turn| queue.offer((tenant + turn) % tenants)).count() > 0 {}
            }
            let part = places as f64 * 0.5 / (1.0 + 0.5 * (tenants - 1) as f64);
            for &own in &queue.own {
                prop_assert!((own as f64 - part).abs() <= tenants as f64 + 1.0, "{:?}, {}", queue.own, part);
            }
        }

        /// A tenant that takes a second place leaves as many free as it has then.
        #[test]
        fn there_is_room_for_another_tenant(
            places in 1_usize..200, share in 0.001_f64..=0.5, tenants in 1_usize..8,
            offers in proptest::collection::vec((0..8_usize, any::<bool>()), 0..500),
        ) {
            let mut queue = Queue { places, share, own: vec![0; tenants] };
            for (tenant, comes) in offers {
                let tenant = tenant % tenants;
                if !comes {
                    queue.own[tenant] = queue.own[tenant].saturating_sub(1);
                } else if queue.offer(tenant) && queue.own[tenant] > 1 {
                    prop_assert!(queue.places - queue.taken() >= queue.own[tenant]);
                }
            }
        }

        #[test]
        fn who_is_below_in_any_case_is_below(
            places in 1_usize..1_000, taken in 0_usize..1_100, own in 0_usize..1_100, share in 0.001_f64..=1.0,
        ) {
            let own = own.min(taken);
            if all_are_below(places, taken, share) {
                prop_assert!(own < limit(places, taken, own, share));
            }
        }
    }
}
