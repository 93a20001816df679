//! Work that is cancelled, expired, refused or put out leaves nothing behind: no permit, no place, no closure.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::pool_support::{Held, Tokens, block_on, fixed, hold, poll_once, until};
use millpond::{AdaptiveThreadPool, JoinHandle, Permit, Priority, TaskBuilder};
use proptest::prelude::*;

const PLACES: usize = 8;

#[derive(Debug, Clone)]
struct Kind {
    priority: u8,
    tenant: Option<u8>,
    /// The deadline, in milliseconds from now.
    within: Option<u8>,
    bytes: u8,
}

#[derive(Debug, Clone)]
enum Step {
    Try(Kind),
    Run(Kind),
    Spawn(Kind),
    Plain,
    Acquire,
    Cancel(prop::sample::Index),
    /// The workers are held up.
    Hold,
    Release,
    Yield,
}

fn kind() -> impl Strategy<Value = Kind> {
    let tenant = proptest::option::of(0..3_u8);
    (0..3_u8, tenant, proptest::option::weighted(0.3, 0..20_u8), 0..60_u8)
        .prop_map(|(priority, tenant, within, bytes)| Kind { priority, tenant, within, bytes })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => kind().prop_map(Step::Try),
        5 => kind().prop_map(Step::Run),
        2 => kind().prop_map(Step::Spawn),
        1 => Just(Step::Plain),
        1 => Just(Step::Acquire),
        5 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => Just(Step::Hold),
        2 => Just(Step::Release),
        2 => Just(Step::Yield),
    ];
    proptest::collection::vec(step, 1..80)
}

fn task<'p>(pool: &'p AdaptiveThreadPool, kind: &Kind) -> TaskBuilder<'p> {
    let priority = [Priority::Interactive, Priority::Standard, Priority::Bulk][usize::from(kind.priority)];
    let mut task = pool.task().priority(priority).bytes(kind.bytes.into());
    if let Some(tenant) = kind.tenant {
        task = task.tenant(tenant.to_string());
    }
    if let Some(ms) = kind.within {
        task = task.deadline(Instant::now() + Duration::from_millis(ms.into()));
    }
    task
}

/// What can be dropped.
enum Under<'p> {
    Handle(JoinHandle<()>),
    Future(Pin<Box<dyn Future<Output = ()> + 'p>>),
    Permit(Permit),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 512 }))]

    #[test]
    fn nothing_is_left(steps in steps(), close in any::<bool>()) {
        let builder = fixed(1).max_queue_size(PLACES).max_running_per_tenant(1);
        let pool = builder.byte_budget(100).build().unwrap();
        let tokens = Tokens::default();
        let mut held: Option<Held> = None;
        let mut under_way: Vec<Under<'_>> = Vec::new();
        let work = || {
            let token = tokens.token();
            move || drop(token)
        };
        for step in &steps {
            match step {
                Step::Try(kind) => {
                    let tried = task(&pool, kind).try_spawn(work());
                    under_way.extend(tried.ok().map(Under::Handle));
                }
                Step::Run(kind) => {
                    let run = task(&pool, kind).run(work());
                    let mut run: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async { _ = run.await });
                    if poll_once(&mut run).is_pending() {
                        under_way.push(Under::Future(run));
                    }
                }
                Step::Spawn(kind) => {
                    let spawn = task(&pool, kind).spawn(work());
                    let mut spawn: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async { _ = spawn.await });
                    if poll_once(&mut spawn).is_pending() {
                        under_way.push(Under::Future(spawn));
                    }
                }
                Step::Plain => under_way.extend(pool.try_spawn(work()).ok().map(Under::Handle)),
                Step::Acquire => under_way.extend(pool.try_acquire().ok().map(Under::Permit)),
                Step::Cancel(which) if !under_way.is_empty() => {
                    match under_way.swap_remove(which.index(under_way.len())) {
                        Under::Handle(handle) => handle.abort(),
                        Under::Future(future) => drop(future),
                        Under::Permit(permit) => drop(permit),
                    }
                }
                Step::Hold if held.is_none() && pool.statistics().queue_depth < PLACES => {
                    under_way.retain(|what| !matches!(what, Under::Permit(_)));
                    if pool.statistics().queue_depth == 0 && pool.statistics().waiting_callers == 0 {
                        held = Some(hold(&pool, 1));
                    }
                }
                Step::Release => held = None,
                Step::Yield => std::thread::yield_now(),
                _ => {}
            }
        }
        if close {
            let mut shutdown = Box::pin(pool.shutdown(Duration::ZERO));
            let _ = poll_once(&mut shutdown);
        }
        drop(held);
        for what in under_way {
            if let Under::Handle(handle) = what {
                let _ = block_on(handle);
            }
        }
        until(|| {
            let now = pool.statistics();
            now.active_threads == 0 && now.queue_depth == 0
        });
        // The timer thread leaves the drops of closures to others; the bytes come back with them.
        until(|| tokens.alive() == 0 && pool.statistics().bytes_under_way == 0);
        let statistics = pool.statistics();
        prop_assert_eq!(statistics.waiting_callers, 0);
        prop_assert_eq!(statistics.reserved_permits, 0);
        let ended = statistics.tasks_completed
            + statistics.tasks_cancelled
            + statistics.tasks_expired
            + statistics.tasks_shed;
        // A place that was just being taken for a task that was cancelled at the same time may have been seen once.
        prop_assert!(statistics.tasks_queued >= ended);
        if !close {
            let permits: Vec<_> = std::iter::from_fn(|| pool.try_acquire().ok()).collect();
            prop_assert_eq!(permits.len(), PLACES);
        }
    }
}
