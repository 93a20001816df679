//! Workers that are pinned to a core each, by their hook, are no reason to believe that the process has but one.
#![cfg(target_os = "linux")]

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use crate::pool_support::{block_on, hold, in_time, until, usable_cores};
use millpond::AdaptiveThreadPool;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that the calling thread may run on.
fn cores_here() -> usize {
    sched_getaffinity(None).unwrap().count() as usize
}

/// Pins the calling thread to one of its cores.
fn pin() {
    let all = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap());
    sched_setaffinity(None, &one).unwrap();
}

#[test]
fn the_usable_cores_are_not_those_of_a_worker_that_is_pinned() {
    in_time(|| {
        let (cores, usable) = (cores_here(), usable_cores());
        let pool = AdaptiveThreadPool::builder()
            .max_threads(usable)
            .sampling_interval(Duration::from_millis(1))
            .worker_niceness(0)
            .on_thread_start(pin)
            .build()
            .unwrap();
        // Everything that follows is started by threads that are pinned.
        pin();
        let held = hold(&pool, usable);
        let waits = pool.try_spawn(|| ()).unwrap();
        until(|| pool.last_decision().is_some());
        let seen = pool.last_decision().unwrap().sample.usable_cores;
        held.end();
        block_on(waits).unwrap();
        // A quota may leave less, but not a single core where there are two.
        assert!(seen > 1.0 || cores == 1 || usable == 1, "{seen} of {cores}");
    });
}

#[test]
fn threads_are_not_bound_to_the_core_of_whoever_started_them() {
    in_time(|| {
        let (tell, told) = mpsc::channel();
        let tell = Mutex::new(tell);
        let (cores, usable) = (cores_here(), usable_cores());
        let pool = AdaptiveThreadPool::builder()
            // A worker that is placed is bound to its node.
            .numa_aware(false)
            .max_threads(usable)
            .on_thread_start(move || tell.lock().unwrap().send(cores_here()).unwrap())
            .build()
            .unwrap();
        pin();
        hold(&pool, usable).end();
        drop(pool);
        // The hook, and with it the channel's end, goes with the pool.
        assert!(told.iter().all(|seen| seen == cores));
    });
}
