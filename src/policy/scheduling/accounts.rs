//! The tenants' accounts: found by name, sorted by rank, closed when unused.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::tenant::{Rank, Tenant, TenantSum};
use crate::task::Name;

/// The number of idle accounts that are kept, for their debts and their estimates.
const MAX_IDLE: usize = 1_024;
/// The number of entries in the cache of names by address. A submitter usually holds one copy of
/// its tenant's name. Any other copy is found by its text.
const CACHED_NAMES: usize = 64;

#[derive(Debug)]
pub(super) struct Accounts<T> {
    pub(super) names: HashMap<Name, u32>,
    /// For each slot of addresses, the account that was last found there. An entry may be outdated.
    cache: [u32; CACHED_NAMES],
    tenants: Vec<Option<Tenant<T>>>,
    free: Vec<u32>,
    /// Tenants with a waiting task that may run.
    pub(super) listed: BTreeSet<(Rank, u32)>,
    /// Tenants with a waiting task that have as many running tasks as they may have.
    throttled: BTreeSet<u32>,
    /// Idle tenants, sorted by service.
    idle: BTreeSet<(u64, u32)>,
    weights: HashMap<Name, u32>,
    /// What the tenants of closed accounts have done.
    closed: TenantSum,
    /// The least service of a tenant that arrives, or returns after a pause.
    virtual_time: u64,
    max_running: usize,
}

impl<T> Accounts<T> {
    pub(super) fn new(max_running: usize) -> Self {
        Self {
            names: HashMap::new(),
            cache: [0; CACHED_NAMES],
            tenants: Vec::new(),
            free: Vec::new(),
            listed: BTreeSet::new(),
            throttled: BTreeSet::new(),
            idle: BTreeSet::new(),
            weights: HashMap::new(),
            closed: TenantSum::default(),
            virtual_time: 0,
            max_running: max_running.max(1),
        }
    }

    pub(super) fn busy(&self) -> usize {
        self.names.len() - self.idle.len()
    }

    pub(super) fn find(&self, name: &Name) -> Option<u32> {
        let cached = self.cache[slot_of(name)];
        // The account holds a reference to its name, so no other name has that address.
        match self.get(cached) {
            Some(tenant) if Name::ptr_eq(&tenant.name, name) => Some(cached),
            _ => self.names.get(name).copied(),
        }
    }

    pub(super) fn get(&self, index: u32) -> Option<&Tenant<T>> {
        self.tenants.get(index as usize)?.as_ref()
    }

    /// A call of [`list`](Self::list) must follow.
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Tenant<T>> {
        self.tenants.get_mut(index as usize)?.as_mut()
    }

    pub(super) fn of(&self, name: &Name) -> Option<&Tenant<T>> {
        self.get(self.find(name)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Tenant<T>)> {
        (0..).zip(&self.tenants).filter_map(|(index, tenant)| Some((index, tenant.as_ref()?)))
    }

    /// Iterates over the tenants with a waiting task. Throttled tenants come first. The others
    /// follow from the last rank to the first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u32, &Tenant<T>)> {
        let listed = self.listed.iter().rev().map(|(_, index)| index);
        self.throttled.iter().chain(listed).filter_map(|&index| Some((index, self.get(index)?)))
    }

    /// Returns the sum of all tenants, those of closed accounts included.
    pub(super) fn total(&self) -> TenantSum {
        self.iter().fold(self.closed, |total, (_, tenant)| total.plus(&tenant.sum()))
    }

    /// Returns the `most` tenants that have used the most, the busiest first.
    pub(super) fn busiest(&self, most: usize) -> Vec<(Name, TenantSum)> {
        let mut all: Vec<_> = self.iter().map(|(_, tenant)| (tenant.sum(), &tenant.name)).collect();
        all.sort_by_key(|(sum, _)| Reverse(sum.used_ns));
        all.into_iter().take(most).map(|(sum, name)| (Name::clone(name), sum)).collect()
    }

    pub(super) fn set_weight(&mut self, name: &Name, weight: u32) {
        let weight = weight.max(1);
        match weight {
            1 => _ = self.weights.remove(name),
            _ => _ = self.weights.insert(Name::clone(name), weight),
        }
        let Some(index) = self.find(name) else { return };
        if let Some(tenant) = self.get_mut(index) {
            tenant.weight = weight;
            // The credit of a class depends on the weight.
            self.list(index);
        }
    }

    /// Returns the index of a tenant's account, and opens the account if there is none. An idle
    /// tenant gets at least the service of the virtual time. A call of [`list`](Self::list) must
    /// follow.
    pub(super) fn open(&mut self, name: &Name) -> u32 {
        let index = self.find(name).unwrap_or_else(|| self.open_new(name));
        let virtual_time = self.virtual_time;
        if let Some(tenant) = self.tenants[index as usize].as_mut() {
            if Name::ptr_eq(&tenant.name, name) {
                // Another name may have taken the slot.
                self.cache[slot_of(name)] = index;
            }
            if tenant.is_idle() {
                self.idle.remove(&(tenant.service, index));
                tenant.service = tenant.service.max(virtual_time);
            }
        }
        index
    }

    fn open_new(&mut self, name: &Name) -> u32 {
        let weight = self.weights.get(name).copied().unwrap_or(1);
        let tenant = Tenant::new(Name::clone(name), weight);
        let index = self.free.pop().unwrap_or_else(|| {
            self.tenants.push(None);
            (self.tenants.len() - 1) as u32
        });
        self.tenants[index as usize] = Some(tenant);
        self.names.insert(Name::clone(name), index);
        index
    }

    /// Updates the lists after a change of this tenant.
    pub(super) fn list(&mut self, index: u32) {
        let max_running = self.max_running;
        let Some(tenant) = self.tenants.get_mut(index as usize).and_then(Option::as_mut) else { return };
        // Tasks without a tenant share an account without a limit.
        let may_run = tenant.name.is_empty() || tenant.counts.running < max_running;
        let rank = if may_run { tenant.rank() } else { None };
        // Without a limit of running tasks the set stays empty, and costs nothing.
        if !may_run && !tenant.queue.is_empty() {
            self.throttled.insert(index);
        } else if !self.throttled.is_empty() {
            self.throttled.remove(&index);
        }
        if tenant.listed != rank {
            if let Some(old) = std::mem::replace(&mut tenant.listed, rank) {
                self.listed.remove(&(old, index));
            }
            if let Some(rank) = rank {
                self.listed.insert((rank, index));
            }
        }
        if tenant.is_idle() {
            self.idle.insert((tenant.service, index));
            self.close_some();
        }
    }

    /// Closes idle accounts in excess of [`MAX_IDLE`], the smallest debts first.
    fn close_some(&mut self) {
        if self.idle.len() == self.names.len() {
            // No tenant is busy, so a debt has no creditor.
            let most = self.idle.last().map_or(0, |(service, _)| *service);
            self.virtual_time = self.virtual_time.max(most);
        }
        while self.idle.len() > MAX_IDLE {
            let Some((_, index)) = self.idle.pop_first() else { break };
            if let Some(tenant) = self.tenants[index as usize].take() {
                self.names.remove(&tenant.name);
                self.free.push(index);
                self.closed = self.closed.plus(&tenant.sum().done());
            }
        }
        if self.tenants.len() > 8 * MAX_IDLE && self.idle.len() == self.names.len() {
            self.release_memory();
        }
    }

    /// Forgets all tenants. Called after a rush of tenants, while every tenant is idle.
    #[cold]
    fn release_memory(&mut self) {
        self.closed = self.total().done();
        self.names = HashMap::new();
        self.tenants = Vec::new();
        self.free = Vec::new();
        self.idle = BTreeSet::new();
    }

    /// Returns the next tenant, and advances the virtual time to it.
    pub(super) fn next(&mut self) -> Option<u32> {
        let &(rank, index) = self.listed.first()?;
        self.advance_virtual_time(rank);
        Some(index)
    }

    /// A tenant of this rank is served: tenants that arrive later start at its service.
    pub(super) fn advance_virtual_time(&mut self, rank: Rank) {
        self.virtual_time = self.virtual_time.max(rank.served());
    }

    /// Returns the tenant after the next one. The next tenant stays the next while its rank is
    /// lower.
    pub(super) fn second(&self) -> Option<(Rank, u32)> {
        self.listed.iter().nth(1).copied()
    }
}

/// Allocators align to 16 bytes, so no two names are closer to each other.
fn slot_of(name: &Name) -> usize {
    (Name::as_ptr(name).addr() / 16) % CACHED_NAMES
}

#[cfg(test)]
impl<T> Accounts<T> {
    /// Returns the service of each tenant, and the virtual time.
    pub(super) fn services(&self) -> (Vec<u64>, u64) {
        (self.iter().map(|(_, tenant)| tenant.service).collect(), self.virtual_time)
    }
}

#[cfg(test)]
mod tests;
