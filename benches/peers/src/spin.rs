//! Work of a known size that reads no clock.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A loop of a fixed number of steps.
#[derive(Clone, Copy)]
pub struct Spin {
    steps: u64,
}

impl Spin {
    /// So many steps as take `duration` on a core that nobody disturbs (the best of many tries says how fast that is).
    pub fn calibrated(duration: Duration) -> Self {
        const STEPS: u64 = 100_000;
        let trial = Self { steps: STEPS };
        let best = (0..200).map(|_| time(trial)).min().unwrap_or(Duration::ZERO);
        let steps = duration.as_nanos() * u128::from(STEPS) / best.as_nanos().max(1);
        Self { steps: steps as u64 }
    }

    /// Does the work.
    pub fn run(self) -> u64 {
        let mut x = black_box(1_u64);
        for _ in 0..self.steps {
            // Each step needs the one before, so the loop can be neither folded nor vectorised.
            x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(23) ^ 0x14;
        }
        black_box(x)
    }
}

fn time(spin: Spin) -> Duration {
    let start = Instant::now();
    spin.run();
    start.elapsed()
}
