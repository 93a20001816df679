//! A caller is told when its task is done, whatever the worker does next.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod pool_support;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use millpond::{AdaptiveThreadPool, PoolConfig};
use pool_support::short;
use tokio::sync::oneshot;

/// A long task that ends only when the callers of those that ran before it have been told: to wait with that until the
/// long one is done would be to wait for ever.
#[tokio::test]
async fn a_long_task_does_not_keep_the_callers_of_those_before_it_waiting() {
    let pool = AdaptiveThreadPool::with_config(PoolConfig { max_threads: 1, ..Default::default() }).unwrap();
    for _ in 0..20 {
        let (open, gate) = mpsc::channel::<()>();
        let gate = pool.try_spawn(move || gate.recv().unwrap()).unwrap();
        let done = Arc::new(Mutex::new(Vec::new()));
        let record = |id: usize| {
            let done = Arc::clone(&done);
            move || {
                short();
                done.lock().unwrap().push(id);
            }
        };
        let mut before: Vec<_> = (0..40).map(|id| Some(pool.try_spawn(record(id)).unwrap())).collect();
        let (began, begun) = oneshot::channel();
        let (told, wait) = mpsc::channel();
        let long = {
            let done = Arc::clone(&done);
            move || {
                began.send(done.lock().unwrap().clone()).unwrap();
                wait.recv_timeout(Duration::from_secs(60)).is_ok()
            }
        };
        let long = pool.try_spawn(long).unwrap();
        let after: Vec<_> = (0..100).map(|_| pool.try_spawn(short).unwrap()).collect();
        open.send(()).unwrap();
        gate.await.unwrap();
        for id in begun.await.unwrap() {
            before[id].take().unwrap().await.unwrap();
        }
        told.send(()).unwrap();
        assert!(long.await.unwrap(), "the callers before it were not told while it ran");
        for task in before.into_iter().flatten().chain(after) {
            task.await.unwrap();
        }
    }
}
