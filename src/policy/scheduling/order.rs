//! The run order itself. The module's header states the rule.

#[cfg(feature = "test-util")]
mod pick;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::accounts::{AccountId, Accounts};
use super::demand::{Demand, Plan, time_until};
use super::mean;
use super::queue::{Key, Waiting};
use super::tenant::{Tenant, Usage};
use super::tenant_sum::TenantSum;
use crate::policy::batching::TINY_NS;
use crate::task::{Label, Name, Priority};

/// The number of tenants that are examined for a task to evict.
const MAX_TENANTS_EXAMINED: usize = 64;
/// The number of tasks of each class that are examined for each of these tenants.
const MAX_TASKS_EXAMINED: usize = 8;

/// A task that was taken out of the order to run.
#[derive(Debug)]
pub(crate) struct Next<T> {
    pub(crate) item: T,
    pub(crate) grant: Grant,
    /// The arrival of the first task of the same tenant.
    pub(crate) oldest: u64,
}

/// A task's right to run. [`RunOrder::finish`] takes it back.
#[derive(Debug)]
#[must_use = "the cost of the task has to be charged"]
pub(crate) struct Grant {
    account: AccountId,
    charged: u64,
}

/// A task that is about to enter the order.
#[derive(Debug)]
#[must_use = "its tenant's account is open"]
pub(crate) struct Entry {
    index: u32,
    key: Key,
    priority: Priority,
    arrival: u64,
    expires: bool,
    placed: bool,
    gives_way: bool,
}

/// The waiting tasks, in their order.
#[derive(Debug)]
pub(crate) struct RunOrder<T> {
    accounts: Accounts<T>,
    /// The tasks with a deadline, each with the index of its tenant.
    expiring: BTreeMap<Key, u32>,
    /// Kept from the first task with a deadline on.
    demand: Option<Demand>,
    /// The smoothed processor time of a task, over all tenants, in nanoseconds.
    estimate: u64,
    /// The smoothed worker time of a task, over all tenants, in nanoseconds.
    time: u64,
    waiting: usize,
    running: usize,
    /// The number of tasks that have ever entered.
    pushed: u64,
}

impl<T> RunOrder<T> {
    /// Creates an empty order in which each tenant may have `max_running` running tasks.
    pub(crate) fn new(max_running: usize) -> Self {
        Self {
            accounts: Accounts::new(max_running),
            expiring: BTreeMap::new(),
            demand: None,
            estimate: 0,
            time: 0,
            waiting: 0,
            running: 0,
            pushed: 0,
        }
    }

    /// Returns the number of waiting tasks.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// Returns the number of tenants with a waiting task that may run now.
    pub(crate) fn ready(&self) -> usize {
        self.accounts.ready()
    }

    /// Returns the due time of the next tenant's first task.
    pub(crate) fn head_due(&self) -> Option<u64> {
        self.accounts.head_due()
    }

    /// Returns the smoothed worker time of a task, in nanoseconds.
    pub(crate) fn task_time(&self) -> u64 {
        self.time
    }

    /// Returns the number of accounts.
    pub(crate) fn tenants(&self) -> usize {
        self.accounts.len()
    }

    /// Returns the number of a tenant's waiting tasks that are placed.
    pub(crate) fn placed_of(&self, tenant: &Name) -> usize {
        let index = self.accounts.find(tenant);
        index.and_then(|index| self.accounts.get(index)).map_or(0, |tenant| tenant.queue.placed())
    }

    /// Returns the `most` tenants that have used the most, and the sum of all tenants.
    pub(crate) fn busiest(&self, most: usize) -> (Vec<(Name, TenantSum)>, TenantSum) {
        (self.accounts.busiest(most), self.accounts.total())
    }

    /// Returns what a tenant has waiting, running and done; nothing if it has no account.
    #[cfg_attr(
        not(any(feature = "prometheus", feature = "metrics")),
        allow(dead_code, reason = "exporters ask")
    )]
    pub(crate) fn sum_of(&self, tenant: &Name) -> TenantSum {
        let index = self.accounts.find(tenant);
        index.and_then(|index| self.accounts.get(index)).map_or_else(TenantSum::default, Tenant::sum)
    }

    /// Sets a tenant's weight. From its next task on, its share is `weight` times that of a tenant
    /// of weight 1.
    pub(crate) fn set_weight(&mut self, tenant: &Name, weight: u32) {
        self.accounts.set_weight(tenant, weight);
    }

    /// Prepares the entry of a task. The label then has the number by which
    /// [`remove`](Self::remove) finds the task. If the task is `placed` it has a place in the queue
    /// or waits for one, and a more urgent task may evict it; but not a part of a task that has
    /// begun.
    #[inline]
    pub(crate) fn entry(&mut self, label: &Label, placed: bool) -> Entry {
        let index = self.accounts.open(&label.tenant);
        self.pushed += 1;
        label.set_number(self.pushed);
        let Label { priority, arrival, .. } = *label;
        let key = (label.due(), self.pushed);
        let gives_way = placed && !label.part;
        Entry { index, key, priority, arrival, expires: label.expires().is_some(), placed, gives_way }
    }

    /// Adds a task. Tasks must enter in the order in which [`entry`](Self::entry) was called.
    #[inline]
    pub(crate) fn enter(&mut self, entry: Entry, item: T) {
        let Entry { index, key, priority, arrival, expires, placed, gives_way } = entry;
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
            let waiting = Waiting { item, priority, arrival, expires, placed, gives_way, time };
            let is_first = tenant.queue.insert(key, waiting);
            self.waiting += 1;
            if !is_first {
                // The tenant's rank has not changed.
                return;
            }
        }
        self.accounts.list(index);
    }

    /// Takes out the next task: the first of the next tenant. If `newest_at` is set, it is instead
    /// the newest task of the tenant's most urgent class at that time.
    pub(crate) fn pop(&mut self, newest_at: Option<u64>) -> Option<Next<T>> {
        let index = self.accounts.next()?;
        let charged = self.estimate_of(index);
        let tenant = self.accounts.get_mut(index)?;
        let oldest = tenant.queue.first()?.1.arrival;
        let key = tenant.pick(newest_at)?;
        tenant.running += 1;
        tenant.taken += 1;
        tenant.charge(charged);
        self.running += 1;
        let grant = Grant { account: self.accounts.id(index)?, charged };
        let item = self.take(index, key)?.item;
        Some(Next { item, grant, oldest })
    }

    /// Takes out at most `max` of the next tasks, while they are tiny. They are charged the
    /// estimate, and need no grant.
    pub(crate) fn pop_tiny(&mut self, max: usize, into: &mut Vec<T>) {
        let mut left = max;
        while left > 0 {
            let Some(index) = self.accounts.next() else { return };
            let taken = self.pop_tiny_of(index, left, into);
            if taken == 0 {
                return;
            }
            left -= taken;
        }
    }

    /// Does the work of [`pop_tiny`](Self::pop_tiny) for one tenant, while that tenant is the next.
    fn pop_tiny_of(&mut self, index: u32, max: usize, into: &mut Vec<T>) -> usize {
        let (charged, second) = (self.estimate_of(index), self.accounts.second());
        let Some(tenant) = self.accounts.get_mut(index) else { return 0 };
        let (mut taken, mut highest) = (0, None);
        while taken < max && tenant.estimate <= TINY_NS {
            let rank = tenant.rank();
            let is_next = rank.is_some_and(|rank| second.is_none_or(|second| (rank, index) < second));
            if taken > 0 && !is_next {
                break;
            }
            // A task with a deadline is taken singly: the deadline is checked at the last moment.
            let Some(((due, _), waiting)) = tenant.queue.pop_first(|waiting| !waiting.expires) else { break };
            tenant.taken += 1;
            tenant.charge(charged);
            // Nobody measures it.
            tenant.use_up(charged);
            if let Some(demand) = &mut self.demand {
                demand.remove(due, waiting.time, false);
            }
            into.push(waiting.item);
            // The credit of a more urgent class may have lowered the rank.
            (taken, highest) = (taken + 1, highest.max(rank));
        }
        self.waiting -= taken;
        self.accounts.list(index);
        if let Some(rank) = highest {
            self.accounts.advance_virtual_time(rank);
        }
        taken
    }

    /// Takes back a grant when its task has ended. `usage` is `None` if the task has not run.
    pub(crate) fn finish(&mut self, grant: Grant, usage: Option<Usage>) {
        let Grant { account, charged } = grant;
        self.running = self.running.saturating_sub(1);
        if let Some(Usage { cost, time }) = usage {
            self.estimate = mean(self.estimate, cost);
            self.time = mean(self.time, time);
        }
        if let Some(tenant) = self.accounts.get_by_id(account) {
            tenant.settle(charged, usage);
            self.accounts.list(account.index);
        }
    }

    /// Charges a tenant `cost` nanoseconds for its subtasks.
    pub(crate) fn charge(&mut self, tenant: &Name, cost: u64) {
        let index = self.accounts.open(tenant);
        if let Some(tenant) = self.accounts.get_mut(index) {
            tenant.charge(cost);
            tenant.use_up(cost);
        }
        self.accounts.list(index);
    }

    /// Takes out the task with this label, if it still waits.
    pub(crate) fn remove(&mut self, label: &Label) -> Option<T> {
        let index = self.accounts.find(&label.tenant)?;
        Some(self.take(index, (label.due(), label.number()))?.item)
    }

    /// Takes out a task whose deadline is at most `now`. If `begin` is set and other tasks wait, it
    /// also takes out a task that would end after its deadline if it started now.
    pub(crate) fn expire(&mut self, now: u64, begin: bool) -> Option<T> {
        let (&key, &index) = self.expiring.first_key_value()?;
        let time = if begin && self.waiting > 1 { self.time_of(index) } else { 0 };
        if key.0 > now.saturating_add(time) {
            return None;
        }
        Some(self.take(index, key)?.item)
    }

    /// Takes out the first task of the next tenant, if the task is `too_old` to start.
    pub(crate) fn shed(&mut self, too_old: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.accounts.next()?;
        let (key, first) = self.accounts.get(index)?.queue.first()?;
        if !too_old(&first.item) {
            return None;
        }
        Some(self.take(index, key)?.item)
    }

    /// Returns the earliest deadline of a waiting task.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiring.keys().next().map(|(due, _)| *due)
    }

    /// Takes out any task, as the pool ends.
    pub(crate) fn take_any(&mut self) -> Option<T> {
        let (index, tenant) = self.accounts.waiting().next()?;
        let (key, _) = tenant.queue.first()?;
        Some(self.take(index, key)?.item)
    }

    /// Takes out all tasks that satisfy `pred`.
    pub(crate) fn take_out(&mut self, mut pred: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut keys = Vec::new();
        for (index, tenant) in self.accounts.waiting() {
            let matching = tenant.queue.iter().filter(|(_, task)| pred(&task.item));
            keys.extend(matching.map(|(key, _)| (index, key)));
        }
        keys.into_iter().filter_map(|(index, key)| Some(self.take(index, key)?.item)).collect()
    }

    /// Takes out a task to make room for one of class `than`: of the least urgent class below, the
    /// task with the latest due time. Examines [`MAX_TENANTS_EXAMINED`] tenants.
    pub(crate) fn evict(&mut self, than: Priority) -> Option<T> {
        let victims = self.accounts.waiting().take(MAX_TENANTS_EXAMINED).filter_map(|(index, tenant)| {
            let (class, key) = tenant.queue.victim(than, MAX_TASKS_EXAMINED)?;
            Some((Reverse(class), key, index))
        });
        let (_, key, index) = victims.max()?;
        Some(self.take(index, key)?.item)
    }

    /// Returns whether a task with this label, accepted now, is likely to meet its deadline.
    ///
    /// Either all work that is due before it can be done in time, or the tenant's share of the
    /// `workers` is enough for the tenant's own work. A task always fits while a worker is free. So
    /// the estimates improve when tasks become shorter.
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
        // On average, half of the running work is still to be done.
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

    /// Takes a task out of all collections.
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

    /// Returns the waiting work by due time. The first call enters all waiting tasks.
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
    /// Adds a task.
    pub(super) fn push(&mut self, label: &Label, placed: bool, item: T) {
        let entry = self.entry(label, placed);
        self.enter(entry, item);
    }

    pub(super) fn services(&self) -> (Vec<u64>, u64) {
        self.accounts.services()
    }

    /// Returns whether no trace of any task is left.
    pub(super) fn is_clean(&self) -> bool {
        let demand = self.demand.as_ref().is_none_or(Demand::is_empty);
        let idle = self.accounts.busy() == 0;
        self.waiting == 0 && self.running == 0 && idle && demand && self.expiring.is_empty()
    }
}
