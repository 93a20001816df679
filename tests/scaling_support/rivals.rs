//! Another way to size a pool, to compare with.

use millpond::scaling::Sample;

/// Hill climbing on the throughput, after the published description of the .NET pool's controller (Hellerstein, Morrison and
/// Eilebrecht, "Applying control theory in the real world: experience with building a controller for the .NET thread
/// pool", 2009): it measures the throughput at the present number of threads for some samples, takes a step, and goes on
/// in the direction in which the throughput rises, in steps that follow the slope; where there is no slope, it keeps taking
/// single steps to and fro, so as to notice a change.
#[derive(Debug)]
pub struct Climbing {
    threads: f64,
    most: usize,
    least: usize,
    history: Option<(f64, f64)>,
    sum: f64,
    samples: u32,
    direction: f64,
}

/// Samples a measurement.
const SAMPLES: u32 = 3;
const GAIN: f64 = 8.0;

impl Climbing {
    pub fn new(least: usize, most: usize, cores: usize) -> Self {
        Self { threads: cores as f64, most, least, history: None, sum: 0.0, samples: 0, direction: 1.0 }
    }

    pub fn step(&mut self, sample: &Sample) -> usize {
        self.sum += sample.completions as f64 / sample.interval.as_secs_f64();
        self.samples += 1;
        if self.samples == SAMPLES && sample.queued > 0 {
            let rate = self.sum / f64::from(SAMPLES);
            let mut step = self.direction;
            if let Some((threads, before)) = self.history.filter(|(threads, _)| *threads != self.threads) {
                // How many per cent more for how many per cent more threads.
                let slope = (rate / before.max(1e-9) - 1.0) / (self.threads / threads - 1.0);
                let by = (GAIN * slope * (self.threads / 8.0).max(1.0)).clamp(-16.0, 16.0);
                step = if by.abs() < 1.0 { -self.direction } else { by };
                self.direction = step.signum();
            }
            self.history = Some((self.threads, rate));
            self.threads = (self.threads + step).round().clamp(self.least as f64, self.most as f64);
        }
        if self.samples == SAMPLES {
            (self.sum, self.samples) = (0.0, 0);
        }
        self.threads as usize
    }
}
