//! What the machine can do when nobody asks for more: the unit in which an overload is measured.

use std::thread;
use std::time::{Duration, Instant};

use super::cores;
use super::measure::quantile;
use super::spin::Spin;

/// How long one look takes: short, so that many fit between the other measurements.
const LOOK: Duration = Duration::from_millis(100);

/// The last so many looks are what counts: neighbours come and go, and a single look is at their mercy.
const RECENT: usize = 9;

/// Measured again and again.
pub struct Capacity {
    spin: Spin,
    looks: Vec<f64>,
}

impl Capacity {
    /// The capacity for tasks of this kind.
    pub fn of(spin: Spin) -> Self {
        let mut capacity = Self { spin, looks: Vec::new() };
        for _ in 0..RECENT {
            capacity.look();
        }
        capacity
    }

    /// One more look, and what it saw. Closed loop: a thread a core, each of which does one task after the other. No pool and no queue is part of it, so
    /// that no contender is measured by another.
    pub fn look(&mut self) -> f64 {
        let (spin, start) = (self.spin, Instant::now());
        let work = move || {
            let mut tasks = 0_u32;
            while start.elapsed() < LOOK {
                spin.run();
                tasks += 1;
            }
            f64::from(tasks) / start.elapsed().as_secs_f64()
        };
        let workers: Vec<_> = (0..cores()).map(|_| thread::spawn(work)).collect();
        let rates = workers.into_iter().map(|worker| worker.join().expect("it only computes"));
        let rate = rates.sum();
        self.looks.push(rate);
        rate
    }

    /// Tasks a second, at present.
    pub fn now(&self) -> f64 {
        let recent = self.looks.len().saturating_sub(RECENT);
        quantile(self.looks[recent..].to_vec(), 0.5)
    }

    /// A quantile over the whole run.
    pub fn quantile(&self, q: f64) -> f64 {
        quantile(self.looks.clone(), q)
    }
}
