//! A subscriber of `tracing` is code of a user: it may ask the pool that tells it something, and panic.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "support/pool.rs"]
mod pool_support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use millpond::AdaptiveThreadPool;
use pool_support::{Gate, block_on, hold, in_time, until, usable_cores};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static POOL: OnceLock<AdaptiveThreadPool> = OnceLock::new();
static TOLD: AtomicUsize = AtomicUsize::new(0);

/// Asks for the decision that it is told of, and panics whatever it is told.
struct Curious;

impl Subscriber for Curious {
    fn enabled(&self, what: &Metadata<'_>) -> bool {
        what.target().starts_with("millpond")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        if event.metadata().target().ends_with("scaler") {
            let _ = POOL.get().map(AdaptiveThreadPool::last_decision);
            TOLD.fetch_add(1, Ordering::SeqCst);
        }
        panic!("in a subscriber, on purpose");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_that_asks_and_panics_stops_nothing() {
    in_time(|| {
        tracing::subscriber::set_global_default(Curious).unwrap();
        let pool = AdaptiveThreadPool::builder()
            .max_threads(usable_cores())
            .sampling_interval(Duration::from_millis(1))
            .worker_niceness(0)
            .numa_aware(false)
            .build()
            .unwrap();
        POOL.set(pool.clone()).unwrap();
        let gate = Arc::new(Gate::default());
        let held = hold(&pool, usable_cores());
        let waits = pool.try_spawn({
            let gate = Arc::clone(&gate);
            move || gate.pass()
        });
        // The timer thread goes on telling.
        until(|| TOLD.load(Ordering::SeqCst) >= 3);
        gate.open();
        held.end();
        block_on(waits.unwrap()).unwrap();
        // A worker counts as active for a moment after its task's end.
        until(|| pool.statistics().active_threads == 0);
        // And keeps the deadline.
        let held = hold(&pool, 1);
        assert_eq!(block_on(pool.shutdown(Duration::from_millis(1))).still_running, 1);
        held.end();
    });
}
