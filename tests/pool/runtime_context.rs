//! A task finds a Tokio runtime around it, as in `spawn_blocking`.

#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::pool_support::{Gate, fixed, in_time};
use millpond::RuntimeContext;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Id, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn current() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}

#[test]
fn what_works_in_spawn_blocking_works_in_a_task() {
    in_time(|| {
        for context in [RuntimeContext::Shared, RuntimeContext::Submitter] {
            // Built outside of the runtime.
            let pool = fixed(2).runtime_context(context).build().unwrap();
            runtime().block_on(async {
                let answer = pool.run(|| Handle::current().block_on(async { 7 })).await.unwrap();
                assert_eq!(answer, 7);
                let spawned = pool.run(|| tokio::spawn(async { 8 })).await.unwrap();
                assert_eq!(spawned.await.unwrap(), 8);
                let named = pool.task().tenant("ada").run(|| tokio::spawn(async { 9 })).await.unwrap();
                assert_eq!(named.await.unwrap(), 9);
                let timer = || Handle::current().block_on(sleep(Duration::from_millis(1)));
                pool.run(timer).await.unwrap();
                let socket = || {
                    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                    listener.set_nonblocking(true)?;
                    TcpListener::from_std(listener)?.local_addr()
                };
                assert_ne!(pool.run(socket).await.unwrap().unwrap().port(), 0);
            });
        }
    });
}

#[test]
fn the_drop_of_a_value_may_spawn() {
    struct Spawns(Option<oneshot::Sender<()>>);

    impl Drop for Spawns {
        fn drop(&mut self) {
            let told = self.0.take().unwrap();
            tokio::spawn(async move { told.send(()).unwrap() });
        }
    }

    in_time(|| {
        for context in [RuntimeContext::Shared, RuntimeContext::Submitter] {
            let pool = fixed(1).runtime_context(context).build().unwrap();
            runtime().block_on(async {
                let (tell, told) = oneshot::channel();
                let spawns = Spawns(Some(tell));
                pool.run(move || drop(spawns)).await.unwrap();
                told.await.unwrap();
            });
        }
    });
}

#[test]
fn the_workers_follow_their_submitters_from_runtime_to_runtime() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        for _ in 0..3 {
            let pool = pool.clone();
            // A thread of its own, as each test has.
            let one_runtime = move || {
                let runtime = runtime();
                let id = runtime.handle().id();
                assert_eq!(runtime.block_on(pool.run(current)).unwrap(), Some(id));
            };
            std::thread::spawn(one_runtime).join().unwrap();
        }
    });
}

#[test]
fn each_task_is_in_its_submitters_runtime_if_that_is_asked_for() {
    in_time(|| {
        let pool = fixed(1).runtime_context(RuntimeContext::Submitter).build().unwrap();
        let (one, other) = (runtime(), runtime());
        let gate = Arc::<Gate>::default();
        let holds = Arc::clone(&gate);
        let held = one.block_on(pool.spawn(move || holds.pass())).unwrap();
        let ids = [&one, &other].map(|runtime| runtime.block_on(pool.spawn(current)).unwrap());
        let outside = pool.try_spawn(current).unwrap();
        gate.open();
        held.blocking_join().unwrap();
        let ids = ids.map(|task| task.blocking_join().unwrap());
        assert_eq!(ids, [Some(one.handle().id()), Some(other.handle().id())]);
        assert_eq!(outside.blocking_join().unwrap(), None);
    });
}

#[test]
fn no_task_is_in_a_runtime_if_none_is_asked_for() {
    in_time(|| {
        let pool = fixed(1).runtime_context(RuntimeContext::None).build().unwrap();
        assert_eq!(runtime().block_on(pool.run(current)).unwrap(), None);
    });
}

#[test]
fn a_task_that_is_awaited_by_block_on_may_block_on_the_runtime_itself() {
    in_time(|| {
        for threads in [1, 2] {
            let pool = fixed(threads).build().unwrap();
            let inner = pool.clone();
            let nested = move || {
                let handle = Handle::current();
                handle.block_on(inner.run(|| Handle::current().block_on(async { 3 })))
            };
            assert_eq!(runtime().block_on(pool.run(nested)).unwrap().unwrap(), 3);
        }
    });
}
