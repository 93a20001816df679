//! Load for a pool whose size is to be watched: so many tasks are kept under way from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use millpond::AdaptiveThreadPool;

/// Tasks of one kind, kept under way until it is dropped.
pub struct Load {
    over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    feeder: Option<JoinHandle<usize>>,
}

impl Load {
    /// Keeps `under_way` tasks in the pool.
    pub fn keep(
        pool: &AdaptiveThreadPool,
        under_way: usize,
        task: impl Fn() + Copy + Send + 'static,
    ) -> Self {
        let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (pool, stop, count) = (pool.clone(), Arc::clone(&over), Arc::clone(&done));
        let feeder = thread::spawn(move || {
            let mut submitted = 0;
            while !stop.load(Relaxed) {
                while submitted - count.load(Relaxed) < under_way {
                    let count = Arc::clone(&count);
                    let work = move || {
                        task();
                        count.fetch_add(1, Relaxed);
                    };
                    if pool.try_spawn(work).is_ok() {
                        submitted += 1;
                    }
                }
                thread::sleep(Duration::from_micros(500));
            }
            submitted
        });
        Self { over, done, feeder: Some(feeder) }
    }

    /// Tasks a second during the next `time`.
    pub fn throughput(&self, time: Duration) -> f64 {
        let (start, before) = (Instant::now(), self.done.load(Relaxed));
        thread::sleep(time);
        (self.done.load(Relaxed) - before) as f64 / start.elapsed().as_secs_f64()
    }
}

impl Drop for Load {
    /// Waits for what is under way: it must not disturb the next measurement.
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        // A feeder that panicked has said so.
        let Some(Ok(submitted)) = self.feeder.take().map(JoinHandle::join) else { return };
        while self.done.load(Relaxed) < submitted {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
