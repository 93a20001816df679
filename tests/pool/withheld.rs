//! What a worker settles later, because its tasks are tiny, is missing to nobody.

use std::sync::mpsc;

use crate::pool_support::{block_on, fixed, in_time, until};

/// A long task after tiny ones, on a worker that may have held on to their places: it waits for work that is submitted
/// while it runs.
#[test]
fn places_of_tiny_tasks_are_free_while_a_long_one_runs() {
    in_time(|| {
        for limit in [1, 8, 64, 1024] {
            let pool = fixed(2).max_queue_size(limit).build().unwrap();
            for _ in 0..20 {
                for _ in 0..limit {
                    block_on(pool.run(|| ())).unwrap();
                }
                let (told, wait) = mpsc::channel();
                let long = block_on(pool.spawn(move || wait.recv().is_ok())).unwrap();
                // Most of the queue is there for others, and all of it if it is small.
                let wanted = limit - limit / 16;
                until(|| pool.statistics().queue_depth == 0);
                let others: Vec<_> = (0..wanted).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
                for other in others {
                    block_on(other).unwrap();
                }
                block_on(pool.run(move || told.send(()).unwrap())).unwrap();
                assert!(block_on(long).unwrap());
            }
        }
    });
}
