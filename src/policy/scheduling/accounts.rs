//! The tenants' accounts: found by name, listed by rank, closed when there is nothing on them.

use std::collections::{BTreeSet, HashMap};

use super::SEPARATE;
use super::tenant::{Rank, Tenant};
use crate::task::Name;

/// The accounts of so many tenants that have nothing to do are kept, for the debts on them and what is known of their tasks.
const MOST_IDLE: usize = 1_024;
/// Tenants that a worker looks at to find the one that suits it, where cheap and expensive work are kept apart.
const LOOKED_AT: usize = 16;
/// Names that are known by where they are in memory: who names a tenant again and again mostly has one copy of its name. A copy
/// that is not the account's own is found by its text.
const KNOWN: usize = 64;

/// Where an account is. It may have another owner by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: u32,
    owner: u64,
}

#[derive(Debug)]
pub(super) struct Accounts<T> {
    names: HashMap<Name, u32>,
    /// Where the account was found that keeps the name at an address; to be checked.
    known: [u32; KNOWN],
    tenants: Vec<Option<Tenant<T>>>,
    free: Vec<u32>,
    /// Those with something to do that may run.
    listed: BTreeSet<(Rank, u32)>,
    /// Those with something to do that have as many tasks running as may.
    held_up: BTreeSet<u32>,
    /// Those with nothing to do, by the service they have had.
    idle: BTreeSet<(u64, u32)>,
    weights: HashMap<Name, u32>,
    opened: u64,
    /// Who comes, or comes back after a pause, has had that much service.
    virtual_time: u64,
    /// A tenant may have so many tasks running.
    most_running: usize,
}

impl<T> Accounts<T> {
    pub(super) fn new(most_running: usize) -> Self {
        Self {
            names: HashMap::new(),
            known: [0; KNOWN],
            tenants: Vec::new(),
            free: Vec::new(),
            listed: BTreeSet::new(),
            held_up: BTreeSet::new(),
            idle: BTreeSet::new(),
            weights: HashMap::new(),
            opened: 0,
            virtual_time: 0,
            most_running: most_running.max(1),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many have something that may run now.
    pub(super) fn ready(&self) -> usize {
        self.listed.len()
    }

    /// When the next task of the first of them is due.
    pub(super) fn head_due(&self) -> Option<u64> {
        self.listed.first().map(|(rank, _)| rank.due())
    }

    /// How many have something to do.
    pub(super) fn busy(&self) -> usize {
        self.names.len() - self.idle.len()
    }

    pub(super) fn find(&self, name: &Name) -> Option<u32> {
        let known = self.known[slot_of(name)];
        // The account keeps the name: nothing else can be at its address.
        match self.get(known) {
            Some(tenant) if Name::ptr_eq(&tenant.name, name) => Some(known),
            _ => self.names.get(name).copied(),
        }
    }

    pub(super) fn get(&self, index: u32) -> Option<&Tenant<T>> {
        self.tenants.get(index as usize)?.as_ref()
    }

    /// To be followed by [`list`](Self::list).
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Tenant<T>> {
        self.tenants.get_mut(index as usize)?.as_mut()
    }

    /// The tenant whose account was there when the place was told.
    pub(super) fn at(&mut self, place: Place) -> Option<&mut Tenant<T>> {
        self.get_mut(place.index).filter(|tenant| tenant.owner == place.owner)
    }

    pub(super) fn place(&self, index: u32) -> Option<Place> {
        Some(Place { index, owner: self.get(index)?.owner })
    }

    /// All tenants, with their indices.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Tenant<T>)> {
        (0..).zip(&self.tenants).filter_map(|(index, tenant)| Some((index, tenant.as_ref()?)))
    }

    /// The tenants of whom something waits: first those who have had most.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u32, &Tenant<T>)> {
        let listed = self.listed.iter().rev().map(|(_, index)| index);
        self.held_up.iter().chain(listed).filter_map(|&index| Some((index, self.get(index)?)))
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
            // A lead is worth the less, the greater the weight.
            if !tenant.is_idle() {
                self.list(index);
            }
        }
    }

    /// The index of a tenant's account, which is opened if there is none; a tenant that had nothing to do has had as much service
    /// as the others from now on. To be followed by [`list`](Self::list).
    pub(super) fn open(&mut self, name: &Name) -> u32 {
        let index = self.find(name).unwrap_or_else(|| self.open_new(name));
        let virtual_time = self.virtual_time;
        if let Some(tenant) = self.tenants[index as usize].as_mut() {
            if Name::ptr_eq(&tenant.name, name) {
                // Another name may have had the slot meanwhile.
                self.known[slot_of(name)] = index;
            }
            if tenant.is_idle() {
                self.idle.remove(&(tenant.service, index));
                tenant.service = tenant.service.max(virtual_time);
            }
        }
        index
    }

    fn open_new(&mut self, name: &Name) -> u32 {
        self.opened += 1;
        let weight = self.weights.get(name).copied().unwrap_or(1);
        let tenant = Tenant::new(Name::clone(name), self.opened, weight);
        let index = self.free.pop().unwrap_or_else(|| {
            self.tenants.push(None);
            (self.tenants.len() - 1) as u32
        });
        self.tenants[index as usize] = Some(tenant);
        self.names.insert(Name::clone(name), index);
        index
    }

    /// Brings the lists up to date after something has changed for this tenant.
    pub(super) fn list(&mut self, index: u32) {
        let most_running = self.most_running;
        let Some(tenant) = self.tenants.get_mut(index as usize).and_then(Option::as_mut) else { return };
        // Tasks that name no tenant are nobody's, and share an account without a limit.
        let may_run = tenant.name.is_empty() || tenant.running < most_running;
        let rank = if may_run { tenant.rank() } else { None };
        // Where nobody is limited the list stays empty, and costs nothing.
        if !may_run && !tenant.queue.is_empty() {
            self.held_up.insert(index);
        } else if !self.held_up.is_empty() {
            self.held_up.remove(&index);
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

    /// Closes accounts of those who have nothing to do, if they are too many: first those with the smallest debts.
    fn close_some(&mut self) {
        if self.idle.len() == self.names.len() {
            // Nobody is there to be in debt to.
            let most = self.idle.last().map_or(0, |(service, _)| *service);
            self.virtual_time = self.virtual_time.max(most);
        }
        while self.idle.len() > MOST_IDLE {
            let Some((_, index)) = self.idle.pop_first() else { break };
            if let Some(tenant) = self.tenants[index as usize].take() {
                self.names.remove(&tenant.name);
                self.free.push(index);
            }
        }
        if self.tenants.len() > 8 * MOST_IDLE && self.idle.len() == self.names.len() {
            self.give_memory_back();
        }
    }

    /// Forgets all tenants, after a rush of them, when none has anything to do.
    #[cold]
    fn give_memory_back(&mut self) {
        self.names = HashMap::new();
        self.tenants = Vec::new();
        self.free = Vec::new();
        self.idle = BTreeSet::new();
    }

    /// The tenant whose turn it is on the worker `worker` of `workers`.
    pub(super) fn next(&mut self, worker: usize, workers: usize) -> Option<u32> {
        let (rank, index) = self.choose(worker, workers)?;
        self.reach(rank);
        Some(index)
    }

    /// A tenant of this rank has its turn: who comes from now on has had as much service.
    pub(super) fn reach(&mut self, rank: Rank) {
        self.virtual_time = self.virtual_time.max(rank.served());
    }

    /// The first tenant is next for so long as it stands before this one: the second. `None`: for so long as it has something to do.
    pub(super) fn second(&self) -> Option<(Rank, u32)> {
        self.listed.iter().nth(1).copied()
    }

    fn choose(&self, worker: usize, workers: usize) -> Option<(Rank, u32)> {
        let first = self.listed.first()?;
        if workers < SEPARATE {
            return Some(*first);
        }
        // From 1 for the first worker down to 0 for the last one.
        let part = 1.0 - worker.min(workers - 1) as f64 / (workers - 1) as f64;
        let staggered = |&&(rank, index): &&(Rank, u32)| {
            let cost =
                self.get(index).map_or(0.0, |tenant| tenant.estimate as f64 / f64::from(tenant.weight));
            rank.after((part * cost) as u64)
        };
        self.listed.iter().take(LOOKED_AT).min_by_key(staggered).copied()
    }
}

/// Allocators align to 16 bytes: closer to each other no two names are.
fn slot_of(name: &Name) -> usize {
    (Name::as_ptr(name).addr() / 16) % KNOWN
}

#[cfg(test)]
impl<T> Accounts<T> {
    /// The service that each has had, and that a newcomer would have had.
    pub(super) fn services(&self) -> (Vec<u64>, u64) {
        (self.iter().map(|(_, tenant)| tenant.service).collect(), self.virtual_time)
    }
}

#[cfg(test)]
mod tests {
    use super::super::order_tests::Desk;
    use super::*;
    use crate::task::Priority;

    #[test]
    fn a_new_weight_counts_for_what_waits_already() {
        let mut desk = Desk::new();
        desk.plain("gold", Priority::Interactive, 0);
        desk.plain("modest", Priority::Standard, 0);
        // Its lead of 20 ms is worth 5 now, the other one's is 10.
        desk.order.set_weight(&"gold".into(), 4);
        assert_eq!(&*desk.serve(1).unwrap().1, "modest");
        assert_eq!(&*desk.serve(1).unwrap().1, "gold");
        assert!(desk.order.is_clean());
    }

    #[test]
    fn a_name_is_known_again_after_another_had_its_slot() {
        let mut accounts: Accounts<()> = Accounts::new(1);
        let names: Vec<Name> = (0..=KNOWN).map(|number| number.to_string().into()).collect();
        let indices: Vec<u32> = names.iter().map(|name| accounts.open(name)).collect();
        for (name, &index) in names.iter().zip(&indices) {
            assert_eq!(accounts.find(name), Some(index));
            assert_eq!(accounts.open(name), index);
            assert_eq!(accounts.known[slot_of(name)], index);
            let copy: Name = (&**name).into();
            assert_eq!(accounts.open(&copy), index);
        }
    }
}
