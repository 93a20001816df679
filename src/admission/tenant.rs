//! How much one tenant may have under way.
//!
//! As with the permits of the queue, it is *work* that waits here, not futures: a slot that comes free goes to the next
//! work in the tenant's line, and the thread that freed it starts that work itself. A caller who is not polled strands
//! nothing. The [`Slot`] is part of the work (it is moved into the closure), so it is free when the work has run or was
//! dropped, whichever comes first, and not when somebody gets round to noticing.
//!
//! # Invariants
//!
//! 1. A tenant's line is empty unless as many slots as the limit are out: a slot that comes back while somebody waits is
//!    passed on, not put back. So nobody overtakes those who wait.
//! 2. Whether a slot that waits has been granted is decided by one removal from the line, under the lock: the releaser
//!    took it out (granted, and so it is given back when it is dropped), or its own `drop` did (it leaves no trace). Its
//!    place in the line comes before its work, which is only then made: a work that never comes strands nothing either.
//! 3. A tenant with no slot out has no entry: idle tenants cost nothing.
//! 4. No work is started or dropped, and no other lock is taken, under the lock. Starting work can drop work (the pool
//!    may be closed), which frees a slot, which starts work: such releases are put in a row and not nested, so that a
//!    long line needs no deep stack.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::row::in_a_row;
use crate::sync::Mutex;

/// The lock over the tenants is split by the hash of their names.
const SHARDS: usize = 16;

/// Work that waits for its tenant's turn.
pub(crate) trait Start: Send + 'static {
    /// It is its turn. Work that nobody wants any more is dropped instead, and its [`Slot`] with it.
    fn start(self);
}

/// The tenants that have something under way.
#[derive(Debug)]
pub(crate) struct Tenants<W> {
    limit: usize,
    hasher: RandomState,
    shards: Box<[Shard<W>]>,
    /// The order of arrival, over all tenants.
    arrivals: AtomicU64,
    /// How often work had to wait or was refused.
    held_up: AtomicU64,
}

type Shard<W> = Mutex<HashMap<Arc<str>, Tenant<W>>>;

#[derive(Debug)]
struct Tenant<W> {
    slots_out: usize,
    /// In order of arrival. `None`: the work is still being made.
    line: BTreeMap<u64, Option<W>>,
}

/// One of a tenant's slots, or the wait for one. Dropping it gives it to the next in line, or gives up the wait.
#[derive(Debug)]
pub(crate) struct Slot<W: Start> {
    tenants: Arc<Tenants<W>>,
    name: Arc<str>,
    /// Its place in the line, if it had to wait.
    arrival: Option<u64>,
}

impl<W: Start> Tenants<W> {
    /// Every tenant may have `limit` slots.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(),
            arrivals: AtomicU64::new(0),
            held_up: AtomicU64::new(0),
        }
    }

    /// How many slots a tenant has.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How often work had to wait or was refused.
    pub(crate) fn held_up(&self) -> u64 {
        self.held_up.load(Ordering::Relaxed)
    }

    /// How many tenants have something under way.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// A slot, if one is free and nobody waits for it.
    pub(crate) fn try_enter(self: &Arc<Self>, name: &Arc<str>) -> Option<Slot<W>> {
        let mut shard = self.shard(name).lock();
        match shard.get_mut(name) {
            Some(tenant) if tenant.slots_out >= self.limit => {
                drop(shard);
                self.held_up.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            Some(tenant) => tenant.slots_out += 1,
            None => {
                shard.insert(Arc::clone(name), Tenant { slots_out: 1, line: BTreeMap::new() });
            }
        }
        Some(Slot { tenants: Arc::clone(self), name: Arc::clone(name), arrival: None })
    }

    /// Joins the line, unless a slot has come free meanwhile. The slot is to be moved into the work, which must then be
    /// brought to [`bring`](Tenants::bring) at once.
    pub(crate) fn join_line(self: &Arc<Self>, name: &Arc<str>) -> (Slot<W>, Arrival) {
        // Counted under the lock, so that the line is in its order.
        let mut shard = self.shard(name).lock();
        let arrival = self.arrivals.fetch_add(1, Ordering::Relaxed);
        let tenant =
            shard.entry(Arc::clone(name)).or_insert_with(|| Tenant { slots_out: 0, line: BTreeMap::new() });
        if tenant.slots_out >= self.limit {
            tenant.line.insert(arrival, None);
        } else {
            tenant.slots_out += 1;
        }
        drop(shard);
        let slot = Slot { tenants: Arc::clone(self), name: Arc::clone(name), arrival: Some(arrival) };
        (slot, Arrival(arrival))
    }

    /// Brings the work for a place in the line, to be started when its turn comes; which may have come.
    pub(crate) fn bring(&self, name: &Arc<str>, arrival: Arrival, work: W) {
        {
            let mut shard = self.shard(name).lock();
            let place = shard.get_mut(name).and_then(|tenant| tenant.line.get_mut(&arrival.0));
            if let Some(place) = place {
                *place = Some(work);
                return;
            }
        }
        work.start();
    }

    /// Starts all that waits, whatever the limit: for a pool that takes no more work, and turns it away.
    pub(crate) fn turn_away(&self) {
        for shard in &self.shards {
            let mut works = Vec::new();
            for tenant in shard.lock().values_mut() {
                let line = std::mem::take(&mut tenant.line);
                // Each of them believes that it has a slot, and will give it back.
                tenant.slots_out += line.len();
                works.extend(line.into_values().flatten());
            }
            // Not under the lock: what is turned away drops its slot.
            works.into_iter().for_each(Start::start);
        }
    }

    fn shard(&self, name: &Arc<str>) -> &Shard<W> {
        let hash = self.hasher.hash_one(&**name);
        &self.shards[hash as usize % SHARDS]
    }

    /// A slot comes back: the next in line, whose slot it is now.
    fn pass_on(&self, name: &Arc<str>) -> Option<W> {
        let mut shard = self.shard(name).lock();
        let tenant = shard.get_mut(name)?;
        if let Some((_, next)) = tenant.line.pop_first() {
            // Work that is still being made finds the slot its own when it comes.
            return next;
        }
        tenant.slots_out -= 1;
        let gone = if tenant.slots_out == 0 { shard.remove_entry(name) } else { None };
        // After a rush of tenants the table gives its memory back.
        if shard.capacity() > 64 && shard.len() < shard.capacity() / 8 {
            let twice = shard.len() * 2;
            shard.shrink_to(twice);
        }
        drop(shard);
        drop(gone);
        None
    }
}

/// A place in the order of arrival.
#[derive(Debug)]
pub(crate) struct Arrival(u64);

impl<W: Start> Drop for Slot<W> {
    fn drop(&mut self) {
        if let Some(arrival) = self.arrival {
            let waited = {
                let mut shard = self.tenants.shard(&self.name).lock();
                shard.get_mut(&self.name).and_then(|tenant| tenant.line.remove(&arrival))
            };
            if waited.is_some() {
                return;
            }
        }
        let (tenants, name) = (Arc::clone(&self.tenants), Arc::clone(&self.name));
        in_a_row(move || {
            if let Some(next) = tenants.pass_on(&name) {
                next.start();
            }
        });
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Notes its number when it is started, and keeps the slot in `started`.
    struct Work {
        number: usize,
        slot: Slot<Work>,
        log: Arc<Mutex<Vec<usize>>>,
        keep: Arc<Mutex<Vec<Slot<Work>>>>,
    }

    impl Start for Work {
        fn start(self) {
            self.log.lock().push(self.number);
            self.keep.lock().push(self.slot);
        }
    }

    #[test]
    fn the_line_is_served_in_order_and_the_limit_holds() {
        let tenants = Arc::new(Tenants::<Work>::new(2));
        let (log, keep) = (Arc::default(), Arc::default());
        let name: Arc<str> = "a".into();
        let first = tenants.try_enter(&name).unwrap();
        let second = tenants.try_enter(&name).unwrap();
        assert!(tenants.try_enter(&name).is_none());
        for number in 0..3 {
            let (slot, arrival) = tenants.join_line(&name);
            let work = Work { number, slot, log: Arc::clone(&log), keep: Arc::clone(&keep) };
            tenants.bring(&name, arrival, work);
        }
        assert!(log.lock().is_empty());
        drop(second);
        assert_eq!(*log.lock(), [0]);
        drop(first);
        assert_eq!(*log.lock(), [0, 1]);
        let done = keep.lock().remove(0);
        drop(done);
        assert_eq!(*log.lock(), [0, 1, 2]);
        let rest = std::mem::take(&mut *keep.lock());
        drop(rest);
        assert_eq!(tenants.len(), 0);
    }

    #[test]
    fn a_place_whose_work_never_comes_strands_nothing() {
        let tenants = Arc::new(Tenants::<Work>::new(1));
        let name: Arc<str> = "a".into();
        let first = tenants.try_enter(&name).unwrap();
        let (waits, _) = tenants.join_line(&name);
        let (granted, _) = tenants.join_line(&name);
        drop(waits);
        drop(first);
        assert!(tenants.try_enter(&name).is_none(), "it is granted");
        drop(granted);
        assert_eq!(tenants.len(), 0);
    }

    #[test]
    fn work_that_is_dropped_when_it_starts_needs_no_deep_stack() {
        struct Drops(#[allow(dead_code)] Slot<Drops>);
        impl Start for Drops {
            fn start(self) {}
        }
        let tenants = Arc::new(Tenants::<Drops>::new(1));
        let name: Arc<str> = "a".into();
        let first = tenants.try_enter(&name).unwrap();
        for _ in 0..200_000 {
            let (slot, arrival) = tenants.join_line(&name);
            tenants.bring(&name, arrival, Drops(slot));
        }
        drop(first);
        assert_eq!(tenants.len(), 0);
    }

    #[test]
    fn a_million_tenants_one_after_another_leave_nothing() {
        let tenants = Arc::new(Tenants::<Work>::new(1));
        for n in 0..1_000_000 {
            drop(tenants.try_enter(&format!("tenant {n}").into()));
        }
        assert_eq!(tenants.len(), 0);
        let held: Vec<_> = (0..10_000).map(|n| tenants.try_enter(&format!("{n}").into())).collect();
        assert_eq!(tenants.len(), 10_000);
        drop(held);
        assert_eq!(tenants.len(), 0);
        let capacity: usize = tenants.shards.iter().map(|shard| shard.lock().capacity()).sum();
        assert!(capacity <= SHARDS * 64, "{capacity}");
    }

    proptest! {
        /// Entering, waiting, finishing and giving up in any order: never over the limit, nobody waits beside a free
        /// slot, and in the end nothing is left.
        #[test]
        fn slots_are_neither_lost_nor_made(
            limit in 1_usize..4, steps in proptest::collection::vec((0_u8..3, 0_usize..3, any::<prop::sample::Index>()), 1..200),
        ) {
            let tenants = Arc::new(Tenants::<Waiting>::new(limit));
            let names: Vec<Arc<str>> = vec!["a".into(), "b".into(), "c".into()];
            let started = Started::default();
            let mut waiting: Vec<(usize, Shelf)> = Vec::new();
            for (step, tenant, which) in steps {
                match step {
                    0 => match tenants.try_enter(&names[tenant]) {
                        Some(slot) => started.lock().push((tenant, slot)),
                        None => {
                            let (slot, arrival) = tenants.join_line(&names[tenant]);
                            let shelf = Arc::new(Mutex::new(Some(slot)));
                            waiting.push((tenant, Arc::clone(&shelf)));
                            let work = Waiting { tenant, shelf, started: Arc::clone(&started) };
                            tenants.bring(&names[tenant], arrival, work);
                        }
                    },
                    1 => {
                        let done = {
                            let mut started = started.lock();
                            let at = (!started.is_empty()).then(|| which.index(started.len()));
                            at.map(|at| started.swap_remove(at))
                        };
                        drop(done);
                    }
                    _ if !waiting.is_empty() => {
                        let (_, shelf) = waiting.swap_remove(which.index(waiting.len()));
                        let slot = shelf.lock().take();
                        drop(slot);
                    }
                    _ => {}
                }
                waiting.retain(|(_, shelf)| shelf.lock().is_some());
                for tenant in 0..names.len() {
                    let out = started.lock().iter().filter(|(of, _)| *of == tenant).count();
                    let waits = waiting.iter().filter(|(of, _)| *of == tenant).count();
                    prop_assert!(out <= limit);
                    prop_assert!(waits == 0 || out == limit);
                }
            }
            for (_, shelf) in waiting.drain(..) {
                let slot = shelf.lock().take();
                drop(slot);
            }
            let rest = std::mem::take(&mut *started.lock());
            drop(rest);
            prop_assert_eq!(tenants.len(), 0);
        }
    }

    type Shelf = Arc<Mutex<Option<Slot<Waiting>>>>;
    type Started = Arc<Mutex<Vec<(usize, Slot<Waiting>)>>>;
    struct Waiting {
        tenant: usize,
        shelf: Shelf,
        started: Started,
    }
    impl Start for Waiting {
        fn start(self) {
            let slot = self.shelf.lock().take();
            if let Some(slot) = slot {
                self.started.lock().push((self.tenant, slot));
            }
        }
    }
}
