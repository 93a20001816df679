//! The run order itself; the rule is in the module's header.

#[cfg(feature = "test-util")]
mod pick;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::accounts::{Accounts, Place};
use super::demand::{Demand, Plan, time_until};
use super::mean;
use super::queue::{Key, Waiting};
use crate::policy::batching::TINY_NS;
use crate::task::{Label, Name, Priority};

/// Tenants, and tasks of each, that are looked at for one that may give way.
const MOST_ASKED: usize = 64;
const MOST_SPARED: usize = 8;

/// A task whose turn it is.
#[derive(Debug)]
pub(crate) struct Next<T> {
    pub(crate) item: T,
    pub(crate) turn: Turn,
    /// When the first of its tenant's came.
    pub(crate) oldest: u64,
}

/// A task's right to run, to be given back with what it took.
#[derive(Debug)]
#[must_use = "what the task took has to be charged"]
pub(crate) struct Turn {
    tenant: Place,
    charged: u64,
}

/// A task about to be entered.
#[derive(Debug)]
#[must_use = "its tenant's account is open"]
pub(crate) struct Entry {
    index: u32,
    key: Key,
    priority: Priority,
    arrival: u64,
    expires: bool,
    placed: bool,
}

/// What a task took, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// Of a processor: what its tenant pays for.
    pub(crate) cost: u64,
    /// Of a worker.
    pub(crate) time: u64,
}

/// The tasks that wait, in their order.
#[derive(Debug)]
pub(crate) struct RunOrder<T> {
    accounts: Accounts<T>,
    /// Tasks with a deadline: whose they are.
    expiring: BTreeMap<Key, u32>,
    /// Kept from the first task with a deadline on: others need none.
    demand: Option<Demand>,
    /// What a task takes of a processor, by those of late of all tenants.
    estimate: u64,
    /// How long one takes on a worker.
    time: u64,
    waiting: usize,
    running: usize,
    /// Tasks that ever came.
    pushed: u64,
}

impl<T> RunOrder<T> {
    /// Nothing waits. A tenant may have `most_running` tasks running at a time.
    pub(crate) fn new(most_running: usize) -> Self {
        Self {
            accounts: Accounts::new(most_running),
            expiring: BTreeMap::new(),
            demand: None,
            estimate: 0,
            time: 0,
            waiting: 0,
            running: 0,
            pushed: 0,
        }
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// How many tenants have something that may run now.
    pub(crate) fn ready(&self) -> usize {
        self.accounts.ready()
    }

    /// When the first task of the tenant who is next is due.
    pub(crate) fn head_due(&self) -> Option<u64> {
        self.accounts.head_due()
    }

    /// How long a task takes, by those of late.
    pub(crate) fn task_time(&self) -> u64 {
        self.time
    }

    /// How many tenants have an account.
    pub(crate) fn tenants(&self) -> usize {
        self.accounts.len()
    }

    /// How many of a tenant's tasks wait.
    pub(crate) fn waiting_of(&self, tenant: &Name) -> usize {
        let index = self.accounts.find(tenant);
        index.and_then(|index| self.accounts.get(index)).map_or(0, |tenant| tenant.queue.len())
    }

    /// A tenant's share is `weight` times that of one of weight 1, from its next task on.
    pub(crate) fn set_weight(&mut self, tenant: &Name, weight: u32) {
        self.accounts.set_weight(tenant, weight);
    }

    /// What a task with this label is entered by: the label knows from now on where it stands, and takes it out again.
    /// `placed`: it may have to give way to more urgent tasks.
    #[inline]
    pub(crate) fn entry(&mut self, label: &Label, placed: bool) -> Entry {
        let index = self.accounts.open(&label.tenant);
        self.pushed += 1;
        label.set_number(self.pushed);
        let Label { priority, arrival, .. } = *label;
        let key = (label.due(), self.pushed);
        Entry { index, key, priority, arrival, expires: label.expires().is_some(), placed }
    }

    /// One more task waits. To be entered in the order of the entries.
    #[inline]
    pub(crate) fn enter(&mut self, entry: Entry, item: T) {
        let Entry { index, key, priority, arrival, expires, placed } = entry;
        let (due, _) = key;
        let time = self.time_of(index);
        if expires {
            self.expiring.insert(key, index);
            self.demand();
        }
        if let Some(demand) = &mut self.demand {
            demand.add(due, time, expires);
        }
        if let Some(tenant) = self.accounts.get_mut(index) {
            let waiting = Waiting { item, priority, arrival, expires, placed, time };
            let is_first = tenant.queue.insert(key, waiting);
            self.waiting += 1;
            if !is_first {
                // The tenant stands where it stood.
                return;
            }
        }
        self.accounts.list(index);
    }

    /// The next task. At `newest_at` it is the newest of its tenant and class, not the oldest.
    pub(crate) fn pop(&mut self, newest_at: Option<u64>) -> Option<Next<T>> {
        let index = self.accounts.next()?;
        let charged = self.estimate_of(index);
        let tenant = self.accounts.get_mut(index)?;
        let oldest = tenant.queue.first()?.1.arrival;
        let key = tenant.pick(newest_at)?;
        tenant.running += 1;
        tenant.charge(charged);
        self.running += 1;
        let turn = Turn { tenant: self.accounts.place(index)?, charged };
        let item = self.take(index, key)?.item;
        Some(Next { item, turn, oldest })
    }

    /// The next tasks for somebody who takes several, because they are tiny: so many at the most. They cost what was estimated, and
    /// have no turn to be given back.
    pub(crate) fn pop_tiny(&mut self, most: usize, into: &mut Vec<T>) {
        let mut left = most;
        while left > 0 {
            let Some(index) = self.accounts.next() else { return };
            let taken = self.pop_tiny_of(index, left, into);
            if taken == 0 {
                return;
            }
            left -= taken;
        }
    }

    /// The same of one tenant, who is next, for so long as it is.
    fn pop_tiny_of(&mut self, index: u32, most: usize, into: &mut Vec<T>) -> usize {
        let (charged, second) = (self.estimate_of(index), self.accounts.second());
        let Some(tenant) = self.accounts.get_mut(index) else { return 0 };
        let (mut taken, mut reached) = (0, None);
        while taken < most && tenant.estimate <= TINY_NS {
            let rank = tenant.rank();
            let again = rank.is_some_and(|rank| second.is_none_or(|second| (rank, index) < second));
            if taken > 0 && !again {
                break;
            }
            // Whether it is too late for it is to be seen at the last moment; and what is not tiny is charged by what it takes.
            let Some(((due, _), waiting)) = tenant.queue.pop_first(|waiting| !waiting.expires) else { break };
            tenant.charge(charged);
            if let Some(demand) = &mut self.demand {
                demand.remove(due, waiting.time, false);
            }
            into.push(waiting.item);
            // A more urgent class's lead may have put it before where it stood.
            (taken, reached) = (taken + 1, reached.max(rank));
        }
        self.waiting -= taken;
        self.accounts.list(index);
        if let Some(rank) = reached {
            self.accounts.reach(rank);
        }
        taken
    }

    /// A task has ended; `None` if it has not run.
    pub(crate) fn finish(&mut self, turn: Turn, took: Option<Took>) {
        let Turn { tenant: place, charged } = turn;
        self.running = self.running.saturating_sub(1);
        if let Some(Took { cost, time }) = took {
            self.estimate = mean(self.estimate, cost);
            self.time = mean(self.time, time);
        }
        if let Some(tenant) = self.accounts.at(place) {
            tenant.settle(charged, took);
            self.accounts.list(place.index);
        }
    }

    /// Subtasks of a tenant's task took `cost`.
    pub(crate) fn charge(&mut self, tenant: &Name, cost: u64) {
        let index = self.accounts.open(tenant);
        if let Some(tenant) = self.accounts.get_mut(index) {
            tenant.charge(cost);
        }
        self.accounts.list(index);
    }

    /// Takes out a task that is not to run, if it still waits.
    pub(crate) fn remove(&mut self, label: &Label) -> Option<T> {
        let index = self.accounts.find(&label.tenant)?;
        Some(self.take(index, (label.due(), label.number()))?.item)
    }

    /// Takes out a task whose deadline is not after `now`; or so near that it can't be done by then, if there is other work to do: to
    /// begin it would be of no use to anybody.
    pub(crate) fn expire(&mut self, now: u64, begin: bool) -> Option<T> {
        let (&key, &index) = self.expiring.first_key_value()?;
        let time = if begin && self.waiting > 1 { self.time_of(index) } else { 0 };
        if key.0 > now.saturating_add(time) {
            return None;
        }
        Some(self.take(index, key)?.item)
    }

    /// Takes out the first task of the tenant that is next, if it is one `too_old` to be begun.
    pub(crate) fn shed(&mut self, too_old: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.accounts.next()?;
        let (key, first) = self.accounts.get(index)?.queue.first()?;
        if !too_old(&first.item) {
            return None;
        }
        Some(self.take(index, key)?.item)
    }

    /// The next deadline of a task that waits.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiring.keys().next().map(|(due, _)| *due)
    }

    /// Takes out any task; for the end.
    pub(crate) fn take_any(&mut self) -> Option<T> {
        let (index, tenant) = self.accounts.waiting().next()?;
        let (at, _) = tenant.queue.first()?;
        Some(self.take(index, at)?.item)
    }

    /// Takes out, for the sake of a task of class `than`, one of a lesser class: of the least, that which is due last, as far as is
    /// looked.
    pub(crate) fn evict(&mut self, than: Priority) -> Option<T> {
        let (_, key, index) = self
            .accounts
            .waiting()
            .take(MOST_ASKED)
            .filter_map(|(index, tenant)| {
                let (class, key) = tenant.queue.victim(than, MOST_SPARED)?;
                Some((Reverse(class), key, index))
            })
            .max()?;
        Some(self.take(index, key)?.item)
    }

    /// Whether a task of this tenant, due at its deadline, is likely to be done by then if it is taken in now: because all work
    /// that is due before it can be done, or because the tenant's share of the `workers` is enough for its own. Where a worker is free
    /// it is always tried: that is how it becomes known that tasks take less than they did.
    pub(crate) fn fits(&mut self, label: &Label, now: u64, workers: usize) -> bool {
        let (due, workers) = (label.due(), workers.max(1) as u64);
        if due <= now {
            return false;
        }
        if self.waiting == 0 && (self.running as u64) < workers {
            return true;
        }
        let index = self.accounts.find(&label.tenant);
        let work = index.map_or(self.time, |index| self.time_of(index));
        // Half of what runs is still to be done, on average.
        let begun = (self.running as u64).saturating_mul(self.time) / 2;
        let plan = Plan { now, due, work, begun, workers };
        let first = self.next_expiry();
        let demand = self.demand();
        let fits = demand.surely_fits(plan, first) || demand.fits(plan);
        let account = index.and_then(|index| self.accounts.get(index));
        let others = self.accounts.busy() - usize::from(account.is_some_and(|tenant| !tenant.is_idle()));
        fits || others > 0 && {
            let own = account.map_or(0, |tenant| tenant.queue.len()) as u64;
            let shared = work.saturating_mul(own + 1).saturating_mul(others as u64 + 1) / workers;
            shared.saturating_add(work) <= time_until(due, now)
        }
    }

    fn time_of(&self, index: u32) -> u64 {
        self.accounts.get(index).map(|tenant| tenant.time).filter(|&ns| ns > 0).unwrap_or(self.time)
    }

    fn estimate_of(&self, index: u32) -> u64 {
        self.accounts.get(index).map(|tenant| tenant.estimate).filter(|&ns| ns > 0).unwrap_or(self.estimate)
    }

    /// Takes a task out of all lists.
    fn take(&mut self, index: u32, key: Key) -> Option<Waiting<T>> {
        let waiting = self.accounts.get_mut(index)?.queue.remove(key)?;
        self.waiting -= 1;
        if waiting.expires {
            self.expiring.remove(&key);
        }
        if let Some(demand) = &mut self.demand {
            demand.remove(key.0, waiting.time, waiting.expires);
        }
        self.accounts.list(index);
        Some(waiting)
    }

    /// What waits, by the time it is due; entered one by one from the first question on.
    fn demand(&mut self) -> &Demand {
        self.demand.get_or_insert_with(|| {
            let mut demand = Demand::default();
            for (_, tenant) in self.accounts.iter() {
                for ((due, _), waiting) in tenant.queue.iter() {
                    demand.add(due, waiting.time, waiting.expires);
                }
            }
            demand
        })
    }
}

#[cfg(test)]
impl<T> RunOrder<T> {
    /// One more task waits.
    pub(super) fn push(&mut self, label: &Label, placed: bool, item: T) {
        let entry = self.entry(label, placed);
        self.enter(entry, item);
    }

    pub(super) fn services(&self) -> (Vec<u64>, u64) {
        self.accounts.services()
    }

    /// Nothing is left of any task.
    pub(super) fn is_clean(&self) -> bool {
        let demand = self.demand.as_ref().is_none_or(Demand::is_empty);
        let idle = self.accounts.busy() == 0;
        self.waiting == 0 && self.running == 0 && idle && demand && self.expiring.is_empty()
    }
}
