//! The run order itself. The module's header states the rule.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::demand::{Demand, Plan, time_until};
use super::queue::{Facts, Key, Waiting};
use super::tenant::{TenantSum, Usage};
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
    /// The account, which stays open as long as the task runs.
    index: u32,
    charged: u64,
}

/// A task that is about to enter the order.
#[derive(Debug)]
#[must_use = "its tenant's account is open"]
pub(crate) struct Entry {
    index: u32,
    key: Key,
    facts: Facts,
}

/// The waiting tasks, in their order.
#[derive(Debug)]
pub(crate) struct RunOrder<T> {
    accounts: Accounts<T>,
    /// The tasks with a deadline, each with the index of its tenant.
    expiring: BTreeMap<Key, u32>,
    /// Kept from the first task with a deadline on.
    demand: Option<Demand>,
    /// The smoothed usage of a task, over all tenants.
    mean: Usage,
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
            mean: Usage::default(),
            waiting: 0,
            running: 0,
            pushed: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// Returns the number of tenants with a waiting task that may run now.
    pub(crate) fn ready(&self) -> usize {
        self.accounts.listed.len()
    }

    /// Returns the due time of the next tenant's first task.
    pub(crate) fn head_due(&self) -> Option<u64> {
        self.accounts.listed.first().map(|(rank, _)| rank.due)
    }

    /// Returns the smoothed worker time of a task, in nanoseconds.
    pub(crate) fn task_time(&self) -> u64 {
        self.mean.time
    }

    pub(crate) fn tenants(&self) -> usize {
        self.accounts.names.len()
    }

    /// Returns the number of a tenant's waiting tasks that are placed.
    pub(crate) fn placed_of(&self, tenant: &Name) -> usize {
        self.accounts.of(tenant).map_or(0, |tenant| tenant.queue.placed())
    }

    /// Returns the `most` tenants that have used the most, and the sum of all tenants.
    pub(crate) fn busiest(&self, most: usize) -> (Vec<(Name, TenantSum)>, TenantSum) {
        (self.accounts.busiest(most), self.accounts.total())
    }

    /// Returns what a tenant has waiting, running and done; nothing if it has no account.
    #[cfg(any(feature = "prometheus", feature = "metrics"))]
    pub(crate) fn sum_of(&self, tenant: &Name) -> TenantSum {
        self.accounts.of(tenant).map(|tenant| tenant.sum()).unwrap_or_default()
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
        let (expires, gives_way) = (label.expires().is_some(), placed && !label.part);
        let time = self.mean_of(index).time;
        let facts = Facts { priority, arrival, expires, placed, gives_way, time };
        Entry { index, key: (label.due(), self.pushed), facts }
    }

    /// Adds a task. Tasks must enter in the order in which [`entry`](Self::entry) was called.
    #[inline]
    pub(crate) fn enter(&mut self, Entry { index, key, facts }: Entry, item: T) {
        if facts.expires {
            self.expiring.insert(key, index);
            self.demand();
        }
        if let Some(demand) = &mut self.demand {
            demand.add(key.0, facts.time, facts.expires);
        }
        if let Some(tenant) = self.accounts.get_mut(index) {
            self.waiting += 1;
            if !tenant.queue.insert(key, Waiting { item, facts }) {
                // It is not the first, so the tenant's rank has not changed.
                return;
            }
        }
        self.accounts.list(index);
    }

    /// Takes out the next task: the first of the next tenant. If `newest_at` is set, it is instead
    /// the newest task of the tenant's most urgent class at that time.
    pub(crate) fn pop(&mut self, newest_at: Option<u64>) -> Option<Next<T>> {
        let index = self.accounts.next()?;
        let queue = &self.accounts.get(index)?.queue;
        let (first, waiting) = queue.first()?;
        let oldest = waiting.facts.arrival;
        let key = newest_at.map_or(Some(first), |now| queue.newest(now))?;
        let grant = self.grant(index)?;
        Some(Next { item: self.take(index, key)?, grant, oldest })
    }

    /// Charges a tenant the estimate for a task that is about to run. A call of
    /// [`take`](Self::take) must follow.
    fn grant(&mut self, index: u32) -> Option<Grant> {
        let charged = self.mean_of(index).cost;
        let tenant = self.accounts.get_mut(index)?;
        tenant.counts.running += 1;
        tenant.counts.taken += 1;
        tenant.charge(charged);
        self.running += 1;
        Some(Grant { index, charged })
    }

    /// Takes out at most `max` of the next tasks, while they are tiny. They are charged the
    /// estimate, and need no grant.
    pub(crate) fn pop_tiny(&mut self, max: usize, into: &mut Vec<T>) {
        let (mut left, mut taken) = (max, 1);
        while left > 0 && taken > 0 {
            let Some(index) = self.accounts.next() else { return };
            taken = self.pop_tiny_of(index, left, into);
            left -= taken;
        }
    }

    /// Does the work of [`pop_tiny`](Self::pop_tiny) for one tenant, while that tenant is the next.
    fn pop_tiny_of(&mut self, index: u32, max: usize, into: &mut Vec<T>) -> usize {
        let (charged, second) = (self.mean_of(index).cost, self.accounts.second());
        let Some(tenant) = self.accounts.get_mut(index) else { return 0 };
        let (mut taken, mut highest) = (0, None);
        while taken < max && tenant.mean.cost <= TINY_NS {
            let rank = tenant.rank();
            let is_next = rank.is_some_and(|rank| second.is_none_or(|second| (rank, index) < second));
            if taken > 0 && !is_next {
                break;
            }
            // A task with a deadline is taken singly: the deadline is checked at the last moment.
            let Some(((due, _), waiting)) = tenant.queue.pop_first(|task| !task.facts.expires) else { break };
            tenant.counts.taken += 1;
            // Nobody measures it.
            tenant.pay(charged);
            if let Some(demand) = &mut self.demand {
                demand.remove(due, waiting.facts.time, false);
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
        let Grant { index, charged } = grant;
        self.running = self.running.saturating_sub(1);
        if let Some(usage) = usage {
            self.mean.follow(usage);
        }
        if let Some(tenant) = self.accounts.get_mut(index) {
            tenant.settle(charged, usage);
            self.accounts.list(index);
        }
    }

    /// Charges a tenant `cost` nanoseconds for its subtasks.
    pub(crate) fn charge(&mut self, tenant: &Name, cost: u64) {
        let index = self.accounts.open(tenant);
        if let Some(tenant) = self.accounts.get_mut(index) {
            tenant.pay(cost);
        }
        self.accounts.list(index);
    }

    /// Takes out the task with this label, if it still waits.
    pub(crate) fn remove(&mut self, label: &Label) -> Option<T> {
        let index = self.accounts.find(&label.tenant)?;
        self.take(index, (label.due(), label.number()))
    }

    /// Takes out a task whose deadline is at most `now`. If `begin` is set and other tasks wait, it
    /// also takes out a task that would end after its deadline if it started now.
    pub(crate) fn expire(&mut self, now: u64, begin: bool) -> Option<T> {
        let (&key, &index) = self.expiring.first_key_value()?;
        let time = if begin && self.waiting > 1 { self.mean_of(index).time } else { 0 };
        if key.0 > now.saturating_add(time) {
            return None;
        }
        self.take(index, key)
    }

    /// Takes out the first task of the next tenant, if the task is `too_old` to start.
    pub(crate) fn shed(&mut self, too_old: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.accounts.next()?;
        let (key, first) = self.accounts.get(index)?.queue.first()?;
        if !too_old(&first.item) {
            return None;
        }
        self.take(index, key)
    }

    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiring.keys().next().map(|(due, _)| *due)
    }

    /// Takes out any task, as the pool ends.
    pub(crate) fn take_any(&mut self) -> Option<T> {
        let (index, tenant) = self.accounts.waiting().next()?;
        let (key, _) = tenant.queue.first()?;
        self.take(index, key)
    }

    pub(crate) fn take_out(&mut self, mut pred: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut keys = Vec::new();
        for (index, tenant) in self.accounts.waiting() {
            let matching = tenant.queue.iter().filter(|(_, task)| pred(&task.item));
            keys.extend(matching.map(|(key, _)| (index, key)));
        }
        keys.into_iter().filter_map(|(index, key)| self.take(index, key)).collect()
    }

    /// Takes out a task to make room for one of class `than`: of the least urgent class below, the
    /// task with the latest due time. Examines [`MAX_TENANTS_EXAMINED`] tenants.
    pub(crate) fn evict(&mut self, than: Priority) -> Option<T> {
        let victims = self.accounts.waiting().take(MAX_TENANTS_EXAMINED).filter_map(|(index, tenant)| {
            let (class, key) = tenant.queue.victim(than, MAX_TASKS_EXAMINED)?;
            Some((Reverse(class), key, index))
        });
        let (_, key, index) = victims.max()?;
        self.take(index, key)
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
        let work = index.map_or(self.mean, |index| self.mean_of(index)).time;
        // On average, half of the running work is still to be done.
        let begun = (self.running as u64).saturating_mul(self.mean.time) / 2;
        let plan = Plan { now, due, work, begun, workers };
        let first = self.next_expiry();
        let demand = self.demand();
        if demand.surely_fits(plan, first) || demand.fits(plan) {
            return true;
        }
        let own = index.and_then(|index| self.accounts.get(index)).filter(|tenant| !tenant.is_idle());
        let others = self.accounts.busy() - usize::from(own.is_some());
        let tasks = own.map_or(0, |tenant| tenant.queue.len()) as u64 + 1;
        let shared = work.saturating_mul(tasks).saturating_mul(others as u64 + 1) / workers;
        others > 0 && shared.saturating_add(work) <= time_until(due, now)
    }

    /// Returns the mean usage of a tenant's tasks; before the first of them ends, that of all
    /// tasks.
    fn mean_of(&self, index: u32) -> Usage {
        self.accounts.get(index).map(|tenant| tenant.mean).filter(|mean| mean.time > 0).unwrap_or(self.mean)
    }

    /// Takes a task out of all collections.
    fn take(&mut self, index: u32, key: Key) -> Option<T> {
        let Waiting { item, facts } = self.accounts.get_mut(index)?.queue.remove(key)?;
        self.waiting -= 1;
        if facts.expires {
            self.expiring.remove(&key);
        }
        if let Some(demand) = &mut self.demand {
            demand.remove(key.0, facts.time, facts.expires);
        }
        self.accounts.list(index);
        Some(item)
    }

    /// Returns the waiting work by due time. The first call enters all waiting tasks.
    fn demand(&mut self) -> &Demand {
        self.demand.get_or_insert_with(|| {
            let mut demand = Demand::default();
            for (_, tenant) in self.accounts.iter() {
                for ((due, _), waiting) in tenant.queue.iter() {
                    demand.add(due, waiting.facts.time, waiting.facts.expires);
                }
            }
            demand
        })
    }
}

/// For a test that chooses the next task.
#[cfg(feature = "test-util")]
impl<T> RunOrder<T> {
    /// Returns all waiting tasks in order of arrival.
    pub(crate) fn all(&self) -> Vec<&T> {
        let waiting = self.accounts.iter().flat_map(|(_, tenant)| tenant.queue.iter());
        let mut all: Vec<_> = waiting.map(|((_, number), waiting)| (number, &waiting.item)).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, item)| item).collect()
    }

    /// Takes out the task with this label as if it were the next.
    pub(crate) fn pop_this(&mut self, label: &Label) -> Option<(T, Grant)> {
        let index = self.accounts.find(&label.tenant)?;
        let key = (label.due(), label.number());
        // The task may have been cancelled in the meantime.
        self.accounts.get(index)?.queue.iter().find(|(at, _)| *at == key)?;
        let grant = self.grant(index)?;
        Some((self.take(index, key)?, grant))
    }

    /// Returns the number of tenants with a waiting or a running task.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.accounts.busy()
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
