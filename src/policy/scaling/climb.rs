//! Where the system has no clocks for threads: hill climbing on the rate of completions.
//!
//! While work waits, some more threads are tried. If clearly more gets done they stay, and more are tried; if not they go, and it
//! is long before the next trial, longer each time. So in a steady state it rests.

use std::time::Duration;

/// Samples that a rate is averaged over; the first after a change is left out.
const SAMPLES: u32 = 4;
/// Threads tried at a time, as a part of those there are.
const PART: usize = 4;
/// So much more must get done for so many more threads, as a part of their part.
const LEAST_PART: f64 = 0.4;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const MOST_PAUSE: Duration = Duration::from_secs(60);
/// After so long without any work waiting it begins anew.
const FORGETS: Duration = Duration::from_secs(5);

/// How far it has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Climb {
    samples: u32,
    sum: f64,
    /// The trial that is under way: the threads and the rate before it.
    trial: Option<(usize, f64)>,
    pause: Duration,
    rest: Duration,
    quiet: Duration,
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    /// This many are tried.
    Try(usize),
    /// Back to this many: more got no more done.
    Back(usize),
    /// Nothing has waited for long.
    Reset,
}

impl Climb {
    /// One more sample, with `target` threads allowed.
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
            if mean < rate_before * (1.0 + LEAST_PART * more) {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, MOST_PAUSE);
                self.rest = self.pause;
                return Step::Back(before);
            }
            self.pause = Duration::ZERO;
        }
        self.trial = Some((target, mean));
        Step::Try(target + (target / PART).max(1))
    }

    fn idle(&mut self, interval: Duration) -> Step {
        let waited = self.quiet;
        self.quiet = self.quiet.saturating_add(interval);
        (self.samples, self.sum) = (0, 0.0);
        if waited < FORGETS && self.quiet >= FORGETS {
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
#[path = "../../../tests/policy/scaling/climb.rs"]
mod tests;
