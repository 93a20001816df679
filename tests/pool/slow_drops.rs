//! A user's drop, or spawn handler, that blocks delays no other deadline and no shutdown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::pool_support::{Gate, Tokens, block_on, fixed, hold, in_time, until, usable_cores};
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle};

/// Blocks its drop until the gate is open, and says when the drop begins.
struct Blocks {
    begun: mpsc::Sender<()>,
    gate: Arc<Gate>,
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let _ = self.begun.send(());
        self.gate.pass();
    }
}

/// Drops that block until the end of the test.
struct Drops {
    gate: Arc<Gate>,
    begun: mpsc::Sender<()>,
    begins: mpsc::Receiver<()>,
}

impl Drops {
    fn new() -> Self {
        let (begun, begins) = mpsc::channel();
        Self { gate: Arc::default(), begun, begins }
    }

    fn work(&self) -> impl FnOnce() + Send + 'static {
        let blocks = Blocks { begun: self.begun.clone(), gate: Arc::clone(&self.gate) };
        move || drop(blocks)
    }

    /// Waits until one more drop has begun.
    fn wait(&self) {
        self.begins.recv().unwrap();
    }
}

impl Drop for Drops {
    fn drop(&mut self) {
        self.gate.open();
    }
}

/// Submits work with a deadline that is near, but can still be met.
fn soon<F: FnOnce() + Send + 'static>(pool: &AdaptiveThreadPool, work: impl Fn() -> F) -> JoinHandle<()> {
    (0..20)
        .find_map(|turn| {
            let soon = Instant::now() + Duration::from_millis(20 << turn);
            pool.task().deadline(soon).try_spawn(work()).ok()
        })
        .unwrap()
}

fn is_expired(task: JoinHandle<()>) -> bool {
    matches!(block_on(task), Err(JoinError::Expired))
}

#[test]
fn the_caller_of_an_expired_task_is_told_before_its_closure_is_dropped() {
    in_time(|| {
        let (pool, drops) = (fixed(1).max_queue_size(1).build().unwrap(), Drops::new());
        let held = hold(&pool, 1);
        assert!(is_expired(soon(&pool, || drops.work())));
        // The drop still blocks, and the place is free.
        assert_eq!(pool.statistics().queue_depth, 0);
        let next = pool.try_spawn(|| ()).unwrap();
        held.end();
        block_on(next).unwrap();
    });
}

#[test]
fn other_deadlines_are_kept_while_the_closure_of_an_expired_task_blocks_its_drop() {
    in_time(|| {
        let (pool, drops) = (fixed(1).build().unwrap(), Drops::new());
        let _held = hold(&pool, 1);
        let first = soon(&pool, || drops.work());
        drops.wait();
        assert!(is_expired(soon(&pool, || || ())));
        let report = block_on(pool.shutdown(Duration::from_millis(1)));
        assert_eq!((report.cancelled, report.still_running), (0, 1));
        assert!(is_expired(first));
    });
}

#[test]
fn a_shutdown_reports_at_its_deadline_though_cancelled_closures_block_their_drops() {
    in_time(|| {
        let (pool, drops, tokens) = (fixed(1).build().unwrap(), Drops::new(), Tokens::default());
        let held = hold(&pool, 1);
        let blocked: Vec<_> = (0..2).map(|_| pool.try_spawn(drops.work()).unwrap()).collect();
        let token = tokens.token();
        let last = pool.try_spawn(move || drop(token)).unwrap();
        let report = block_on(pool.shutdown(Duration::from_millis(1)));
        assert_eq!((report.cancelled, report.still_running), (3, 1));
        for task in blocked.into_iter().chain([last]) {
            assert!(matches!(block_on(task), Err(JoinError::Cancelled)));
        }
        drops.wait();
        drops.wait();
        // Even after the pool's end.
        held.end();
        until(|| tokens.alive() == 0);
    });
}

#[test]
fn deadlines_are_kept_while_a_spawn_handler_blocks() {
    in_time(|| {
        let drops = Drops::new();
        let (calls, begun, gate) = (AtomicUsize::new(0), drops.begun.clone(), Arc::clone(&drops.gate));
        let pool = AdaptiveThreadPool::builder()
            .min_threads(usable_cores())
            .max_threads(usable_cores() + 1)
            .worker_niceness(0)
            .spawn_handler(move |builder, body| {
                if calls.fetch_add(1, Ordering::SeqCst) == usable_cores() {
                    begun.send(()).unwrap();
                    gate.pass();
                }
                builder.spawn(body).map(drop)
            })
            .build()
            .unwrap();
        // The workers are found blocked, so another thread is to be started.
        let _held = hold(&pool, usable_cores());
        let waits = pool.try_spawn(|| ()).unwrap();
        drops.wait();
        assert!(is_expired(soon(&pool, || || ())));
        let report = block_on(pool.shutdown(Duration::from_millis(1)));
        assert_eq!(report.cancelled, 1);
        assert!(matches!(block_on(waits), Err(JoinError::Cancelled)));
    });
}
