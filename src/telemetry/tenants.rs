//! The tenants that metrics name: a bounded number, for as long as the exporter lives.
//!
//! A monitoring system keeps a series for each value of a label that it has ever seen, so a tenant
//! that has a label keeps it, and there are no more than a given number. The busiest get theirs
//! first. All others are one series together.
//!
//! Counters must never fall, so the counts of a tenant are part of that series until it gets a
//! label of its own, and stay there.

use crate::policy::scheduling::TenantSum;
use crate::pool::Observer;
use crate::task::Name;

/// The number of tenants that have a label, unless the user says otherwise.
pub(super) const MOST: usize = 10;

#[derive(Debug)]
pub(super) struct TenantLabels {
    most: usize,
    named: Vec<Named>,
    /// Whether this is the first reading, before which no series existed.
    first: bool,
}

/// A tenant with a label.
#[derive(Debug)]
struct Named {
    name: Name,
    /// What its account said last. An account that is closed and opened again begins with zero.
    last: TenantSum,
    /// What counts as the tenant's own.
    own: TenantSum,
}

impl Named {
    fn update(&mut self, now: TenantSum) {
        let since = |now: u64, last: u64| now.checked_sub(last).unwrap_or(now);
        self.own = TenantSum {
            taken: self.own.taken + since(now.taken, self.last.taken),
            used_ns: self.own.used_ns + since(now.used_ns, self.last.used_ns),
            ..now
        };
        self.last = now;
    }
}

impl TenantLabels {
    pub(super) fn new(most: usize) -> Self {
        Self { most, named: Vec::new(), first: true }
    }

    /// Returns the values of the label with what counts for each; the empty one stands for all
    /// other tenants and the tasks without a tenant.
    pub(super) fn read(&mut self, pool: &Observer) -> Vec<(String, TenantSum)> {
        if self.named.len() < self.most {
            self.name_more(pool);
        }
        let names: Vec<_> = self.named.iter().map(|named| Name::clone(&named.name)).collect();
        let sums = pool.tenant_sums(&names);
        // Read last: the sum of all tenants is not less than that of some.
        let (_, mut rest) = pool.busiest_tenants(0);
        for (named, sum) in self.named.iter_mut().zip(sums) {
            named.update(sum);
            rest = rest.less(&named.own);
        }
        let named = self.named.iter().map(|named| (named.name.to_string(), named.own));
        named.chain([(String::new(), rest)]).collect()
    }

    fn name_more(&mut self, pool: &Observer) {
        // One more: those without a tenant have an account, too.
        let (busiest, _) = pool.busiest_tenants(self.most.saturating_add(1));
        for (name, now) in busiest {
            let is_known = name.is_empty() || self.named.iter().any(|named| named.name == name);
            if !is_known && self.named.len() < self.most {
                let last = if self.first { TenantSum::default() } else { now };
                self.named.push(Named { name, last, own: TenantSum::default() });
            }
        }
        self.first = false;
    }
}
