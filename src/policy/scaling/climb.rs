//! Hill climbing on the rate of completions, for systems without clocks for threads.
//!
//! While work waits, some more threads are tried. If the rate rises clearly, they stay, and more
//! are tried. If not, they go, and the pause before the next trial grows each time. So the number
//! of threads settles.

use std::time::Duration;

/// The number of samples for a mean rate. The first sample after a change is left out.
const SAMPLES: u32 = 4;
/// The divisor of the threads that gives the number of threads to try.
const STEP_DIVISOR: usize = 4;
/// The part of the added threads by which the rate must rise.
const MIN_PART: f64 = 0.4;
/// The pause after the first failed trial.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// After this long without waiting work it starts again.
const RESET_AFTER: Duration = Duration::from_secs(5);

/// The state of the climb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Climb {
    samples: u32,
    sum: f64,
    /// The current trial: the threads and the rate before it.
    trial: Option<(usize, f64)>,
    pause: Duration,
    rest: Duration,
    quiet: Duration,
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    /// Try this many threads.
    Try(usize),
    /// Return to this many threads: more did not raise the rate.
    Back(usize),
    /// No work has waited for long.
    Reset,
}

impl Climb {
    /// Takes a sample, with `target` threads allowed.
    pub(super) fn step(&mut self, target: usize, rate: f64, saturated: bool, interval: Duration) -> Step {
        if !saturated {
            return self.idle(interval);
        }
        self.quiet = Duration::ZERO;
        self.rest = self.rest.saturating_sub(interval);
        if !self.rest.is_zero() {
            return Step::Stay;
        }
        self.samples += 1;
        if self.samples > 1 {
            self.sum += rate;
        }
        if self.samples <= SAMPLES {
            return Step::Stay;
        }
        let mean = self.sum / f64::from(SAMPLES);
        (self.samples, self.sum) = (0, 0.0);
        if let Some((before, rate_before)) = self.trial.take() {
            let more = target as f64 / before.max(1) as f64 - 1.0;
            if mean < rate_before * (1.0 + MIN_PART * more) {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
                self.rest = self.pause;
                return Step::Back(before);
            }
            self.pause = Duration::ZERO;
        }
        self.trial = Some((target, mean));
        Step::Try(target + (target / STEP_DIVISOR).max(1))
    }

    fn idle(&mut self, interval: Duration) -> Step {
        let waited = self.quiet;
        self.quiet = self.quiet.saturating_add(interval);
        (self.samples, self.sum) = (0, 0.0);
        if waited < RESET_AFTER && self.quiet >= RESET_AFTER {
            *self = Self { quiet: self.quiet, ..Self::default() };
            return Step::Reset;
        }
        match self.trial.take() {
            Some((before, _)) => Step::Back(before),
            None => Step::Stay,
        }
    }
}

#[cfg(test)]
mod tests;
