//! Whether growth has raised the throughput.
//!
//! Threads that block each other (on one lock, on ten connections) are blocked more, the more of
//! them there are. By their blocked share alone the pool would grow to its limit without more
//! throughput. So after growth the rate of completions is compared with the rate before. If it rose
//! by far less than it could have, the growth is undone, and not tried again for a while.

use std::time::Duration;

/// The least possible gain that is judged.
const MIN_GAIN: f64 = 0.15;
/// The part of the possible gain that growth must reach.
const MIN_PART: f64 = 0.3;
/// The number of samples for the mean rate after growth, once each new thread can have ended a
/// task.
const SAMPLES: u32 = 3;
/// A gain below this is no gain.
const NO_GAIN: f64 = 0.1;
/// The number of completions in these samples that a rate needs.
const MIN_COMPLETIONS: f64 = 30.0;
/// The pause after the first growth that failed. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The factor by which a retry may grow at most. If the retry pays, the rest follows.
const RETRY_FACTOR: usize = 2;
/// A change of the processor time of a task by this part shows other work, to which the verdict
/// does not apply. (Threads that wait for each other make a task longer, not costlier.)
const OTHER_WORK: f64 = 0.3;
/// The number of samples in a row that must show other work.
const OTHER_WORK_SAMPLES: u32 = 2;
/// A trial ends without a verdict after this many samples in a row without waiting work. (That a
/// thread is idle for a moment, or was just started, tells nothing.)
const QUIET_SAMPLES: u32 = 5;
/// The part by which the pool may grow before growth is judged. If threads block each other, each
/// growth makes the next one look necessary.
const UNJUDGED_GROWTH: f64 = 0.25;

/// What the pool did in a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// The number of threads.
    pub(super) threads: usize,
    /// Tasks a second.
    pub(super) rate: f64,
    /// The time of a task, in seconds.
    pub(super) task: f64,
    /// The processor time of a task, in seconds.
    pub(super) cost: f64,
    /// The tasks that ended.
    pub(super) completions: f64,
    /// The part of the cores that was used.
    pub(super) used: f64,
    /// Whether work waited and no thread was idle.
    pub(super) saturated: bool,
}

/// The state of the last growth.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gain {
    trial: Option<Trial>,
    pause: Duration,
    failed: Option<Failed>,
    /// Whether growth was tried early, because of other work. It happens once between two verdicts,
    /// so it ends.
    early: bool,
}

/// Growth that failed.
#[derive(Debug, Clone, Copy)]
struct Failed {
    /// The number of threads that were of use.
    threads: usize,
    /// The processor time of a task with this many threads, in seconds. `None` until there were
    /// this few for some samples. (New threads that have not ended a task make tasks look costly,
    /// and leaving ones make them look cheap.)
    cost: Option<f64>,
    settled: u32,
    /// The rest of the pause.
    left: Duration,
    /// Samples in a row that showed other work.
    other: u32,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    threads: usize,
    most: usize,
    rate: f64,
    used: f64,
    /// The time until the rate is that of all threads, in seconds.
    wait: f64,
    samples: u32,
    sum: f64,
    completions: f64,
    /// Samples in a row without waiting work.
    quiet: u32,
}

impl Gain {
    /// Starts a trial if the target rises from `threads` to `target`.
    pub(super) fn grown(&mut self, threads: usize, target: usize, before: Work) {
        // Growth in several steps is judged as one.
        if before.saturated
            && self.trial.is_none()
            && before.completions >= MIN_COMPLETIONS / f64::from(SAMPLES)
        {
            let Work { rate, used, task, .. } = before;
            let wait = 2.0 * task;
            let most = target + (target as f64 * UNJUDGED_GROWTH) as usize + 1;
            self.trial = Some(Trial {
                threads,
                most,
                rate,
                used,
                wait,
                samples: 0,
                sum: 0.0,
                completions: 0.0,
                quiet: 0,
            });
        }
    }

    /// Takes a sample, with `target` threads allowed. Returns the number to return to, if growth
    /// failed.
    pub(super) fn judge(&mut self, target: usize, work: Work, interval: Duration) -> Option<usize> {
        self.check_verdict(work, interval);
        let trial = self.trial.as_mut()?;
        if !work.saturated {
            trial.quiet += 1;
        }
        if trial.quiet >= QUIET_SAMPLES || target <= trial.threads {
            // Without waiting work there is nothing to compare.
            self.trial = None;
            return None;
        }
        if !work.saturated {
            return None;
        }
        trial.quiet = 0;
        if trial.wait >= 0.0 {
            // The sample in which the wait ends is the last that is left out.
            trial.wait -= interval.as_secs_f64();
            return None;
        }
        trial.samples += 1;
        trial.sum += work.rate;
        trial.completions += work.completions;
        if trial.samples < SAMPLES {
            return None;
        }
        let trial = self.trial.take()?;
        let could = (target as f64 / trial.threads.max(1) as f64).min(1.0 / trial.used.max(0.01)) - 1.0;
        let did = trial.sum / f64::from(SAMPLES) / trial.rate.max(1e-9) - 1.0;
        if could < MIN_GAIN || trial.completions < MIN_COMPLETIONS {
            return None;
        }
        if did >= MIN_PART * could {
            *self = Self::default();
            return None;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
        // What was gained may need more threads than in proportion.
        let paid = if did < NO_GAIN { 0 } else { (2.0 * did * trial.threads as f64).ceil() as usize + 1 };
        let threads = (trial.threads + paid).min(target);
        // After an earlier failure the cost of a task is known.
        let cost = self.failed.and_then(|failed| failed.cost);
        self.failed = Some(Failed { threads, cost, settled: 0, left: self.pause, other: 0 });
        Some(threads)
    }

    /// Checks whether the last verdict still holds.
    fn check_verdict(&mut self, work: Work, interval: Duration) {
        let Some(failed) = &mut self.failed else { return };
        failed.left = failed.left.saturating_sub(interval);
        if failed.left.is_zero() {
            self.early = false;
        } else if work.threads <= failed.threads && work.completions >= MIN_COMPLETIONS / f64::from(SAMPLES) {
            failed.settled += 1;
            if failed.cost.is_none() && failed.settled <= SAMPLES {
                return;
            }
            let before = *failed.cost.get_or_insert(work.cost);
            let off = (work.cost / before.max(1e-9) - 1.0).abs() > OTHER_WORK;
            failed.other = if off { failed.other + 1 } else { 0 };
            if failed.other >= OTHER_WORK_SAMPLES && !self.early {
                *self = Self { early: true, pause: self.pause, ..Self::default() };
            }
        }
    }

    /// Returns the largest number of threads for now.
    pub(super) fn ceiling(&self) -> usize {
        let meanwhile = self.trial.map_or(usize::MAX, |trial| trial.most);
        let failed = self.failed.map_or(usize::MAX, |failed| {
            if failed.left.is_zero() { failed.threads.saturating_mul(RETRY_FACTOR) } else { failed.threads }
        });
        failed.min(meanwhile)
    }
}

#[cfg(test)]
mod tests;
