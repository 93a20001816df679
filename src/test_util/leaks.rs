//! Finds what a pool has not got back at the end of a test.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::pool::AdaptiveThreadPool;

/// How long workers may take to become idle.
const PATIENCE: Duration = Duration::from_secs(5);
/// The time between two checks whether the workers are idle.
const LOOK: Duration = Duration::from_millis(1);

/// What a pool has not got back; from [`leaks()`]. All fields are 0 if nothing leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Leaks {
    /// Tasks that run.
    pub running: usize,
    /// Tasks that wait in the queue.
    pub queued: usize,
    /// Permits that are held and not used.
    pub permits: usize,
    /// Permits that were ever not used within `reservation_timeout`. Others have had their places
    /// since.
    pub lapsed_permits: u64,
    /// Callers who wait for a permit or for bytes, or whose task waits beyond the limit.
    pub waiting_callers: usize,
    /// Bytes of the budget that tasks hold.
    pub bytes: usize,
    /// Tenants with waiting or running tasks.
    pub tenants: usize,
}

impl Leaks {
    /// Returns whether nothing leaks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// "nothing", or what leaks: "2 permits that nobody uses, 1 queued task".
impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { running, queued, permits, lapsed_permits, waiting_callers, bytes, tenants } = *self;
        let counts = [
            (running as u64, "running task", "running tasks"),
            (queued as u64, "queued task", "queued tasks"),
            (permits as u64, "permit that nobody uses", "permits that nobody uses"),
            (lapsed_permits, "permit that lapsed", "permits that lapsed"),
            (waiting_callers as u64, "waiting caller", "waiting callers"),
            (bytes as u64, "byte of the budget", "bytes of the budget"),
            (tenants as u64, "tenant with tasks", "tenants with tasks"),
        ];
        let mut found = counts.iter().filter(|(count, ..)| *count > 0).peekable();
        if found.peek().is_none() {
            return f.write_str("nothing");
        }
        while let Some((count, one, many)) = found.next() {
            let (what, then) =
                (if *count == 1 { one } else { many }, if found.peek().is_some() { ", " } else { "" });
            write!(f, "{count} {what}{then}")?;
        }
        Ok(())
    }
}

/// Returns what the pool has not got back, for the end of a test. It blocks until the pool's
/// workers are idle, for 5 s at the most, because a worker wakes a task's caller shortly before it
/// is done with the task.
///
/// A manual pool does not become idle without steps: tasks that wait there count as queued.
#[must_use]
pub fn leaks(pool: &AdaptiveThreadPool) -> Leaks {
    let patience = Instant::now() + PATIENCE;
    while !(is_quiet(pool) && bytes_are_settled(pool)) && Instant::now() < patience {
        thread::sleep(LOOK);
    }
    let now = pool.statistics();
    Leaks {
        running: now.active_threads,
        queued: now.queue_depth,
        permits: now.reserved_permits,
        lapsed_permits: now.lapsed_permits,
        waiting_callers: now.waiting_callers,
        bytes: now.bytes_under_way,
        tenants: pool.busy_tenants(),
    }
}

/// Returns whether nothing more will happen without a call from outside: every worker sleeps and
/// nothing waits, or the worker waits for a step.
fn is_quiet(pool: &AdaptiveThreadPool) -> bool {
    let hooked = pool.hooked();
    if pool.is_stepped() { hooked.active() == 0 } else { hooked.is_idle() }
}

/// Returns whether no more bytes will come back without a call from outside. The closure of an
/// expired task is dropped shortly after its caller was woken, and its bytes come back then.
fn bytes_are_settled(pool: &AdaptiveThreadPool) -> bool {
    let now = pool.statistics();
    now.bytes_under_way == 0 || now.queue_depth + now.waiting_callers + now.active_threads > 0
}

/// Checks that the pool has got everything back. See [`leaks()`].
///
/// ```should_panic
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = millpond::test_util::inline();
/// let permit = pool.acquire().await.unwrap();
/// std::mem::forget(permit);
/// millpond::test_util::assert_no_leaks(&pool); // "the pool leaks: 1 permit that nobody uses"
/// # }
/// ```
///
/// # Panics
/// If the pool leaks. The message says what.
#[track_caller]
pub fn assert_no_leaks(pool: &AdaptiveThreadPool) {
    let leaks = leaks(pool);
    assert!(leaks.is_empty(), "the pool leaks: {leaks}");
}
