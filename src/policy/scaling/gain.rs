//! Whether growth has paid.
//!
//! Threads that are blocked by each other (on one lock, on ten connections) are blocked the more, the more there are: by
//! their share alone the pool would grow to its limit and get no more done. So after growth the rate of completions is compared
//! with that before. If it rose by far less than it could have, the growth is taken back, and not tried again for a while.

use std::time::Duration;

/// Growth that could have brought less than this, as a part, is not judged.
const LEAST_GAIN: f64 = 0.15;
/// At the least so much of what could be gained must have been.
const LEAST_PART: f64 = 0.3;
/// Samples that are averaged after growth, once each of the new threads can have ended a task.
const SAMPLES: u32 = 3;
/// Growth that has brought less than this, as a part, has brought nothing.
const NOTHING: f64 = 0.1;
/// So many completions in these samples are needed to tell a rate.
const LEAST_COMPLETIONS: f64 = 30.0;
/// How long growth is not tried again after it has not paid; twice as long each time, up to the most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MOST_PAUSE: Duration = Duration::from_secs(30);
/// When it is tried again, there is at most so many times as many threads: if that pays, the rest follows.
const RETRY: usize = 2;
/// Tasks that take more or less processor time by this part than those by which growth failed, for so many samples in a row, are
/// other work, to which the verdict does not apply. (Threads that wait for each other make a task longer, not costlier.)
const OTHER_WORK: f64 = 0.3;
const OTHER_WORK_SAMPLES: u32 = 2;
/// A trial ends without a verdict once nothing has waited for so many samples in a row. (That a thread is idle for a moment, or
/// has just been started, tells nothing.)
const QUIET_SAMPLES: u32 = 5;
/// Until growth is judged, there is no more growth than by this part: if threads block each other, each growth makes the next
/// look necessary.
const MEANWHILE: f64 = 0.25;

/// What the pool did in a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// All threads.
    pub(super) threads: usize,
    /// Tasks a second.
    pub(super) rate: f64,
    /// How long a task takes, in seconds.
    pub(super) task: f64,
    /// How much processor time one takes, in seconds.
    pub(super) cost: f64,
    /// How many ended in it.
    pub(super) completions: f64,
    /// The part of the cores that was used.
    pub(super) used: f64,
    /// Work waited, and no thread was idle.
    pub(super) saturated: bool,
}

/// The memory of the last growth.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gain {
    trial: Option<Trial>,
    pause: Duration,
    failed: Option<Failed>,
    /// Growth was tried before its time, for the sake of other work. Once between two verdicts, so that this can't go on for ever.
    early: bool,
}

/// Growth that has not paid.
#[derive(Debug, Clone, Copy)]
struct Failed {
    /// So many threads were of use.
    threads: usize,
    /// What a task costs with so many, in seconds; `None` until they have been that few for some samples. (New threads that have
    /// computed and not ended yet make the tasks that end look costly, and those that leave make them look cheap.)
    cost: Option<f64>,
    settled: u32,
    /// So long it is not tried again.
    left: Duration,
    /// Samples in a row in which it was another.
    other: u32,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    threads: usize,
    most: usize,
    rate: f64,
    used: f64,
    /// How long to wait before the rate is that of all threads, in seconds.
    wait: f64,
    samples: u32,
    sum: f64,
    completions: f64,
    /// Samples in a row in which nothing waited.
    quiet: u32,
}

impl Gain {
    /// The target goes from `threads` up to `target`.
    pub(super) fn grown(&mut self, threads: usize, target: usize, before: Work) {
        // Growth in several steps is judged as one.
        if before.saturated
            && self.trial.is_none()
            && before.completions >= LEAST_COMPLETIONS / f64::from(SAMPLES)
        {
            let Work { rate, used, task, .. } = before;
            let wait = 2.0 * task;
            let most = target + (target as f64 * MEANWHILE) as usize + 1;
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

    /// One more sample, with `target` threads allowed. The number to go back to, if growth has not paid.
    pub(super) fn judge(&mut self, target: usize, work: Work, interval: Duration) -> Option<usize> {
        self.look_back(work, interval);
        let trial = self.trial.as_mut()?;
        if !work.saturated {
            trial.quiet += 1;
        }
        if trial.quiet >= QUIET_SAMPLES || target <= trial.threads {
            // Nothing waits any more: there is nothing to compare.
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
        if could < LEAST_GAIN || trial.completions < LEAST_COMPLETIONS {
            return None;
        }
        if did >= LEAST_PART * could {
            *self = Self::default();
            return None;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, MOST_PAUSE);
        // As many threads as what it has brought may need, which is more than in proportion.
        let paid = if did < NOTHING { 0 } else { (2.0 * did * trial.threads as f64).ceil() as usize + 1 };
        let threads = (trial.threads + paid).min(target);
        // If it has failed before, what a task costs is known.
        let cost = self.failed.and_then(|failed| failed.cost);
        self.failed = Some(Failed { threads, cost, settled: 0, left: self.pause, other: 0 });
        Some(threads)
    }

    /// Whether the last verdict still holds.
    fn look_back(&mut self, work: Work, interval: Duration) {
        let Some(failed) = &mut self.failed else { return };
        failed.left = failed.left.saturating_sub(interval);
        if failed.left.is_zero() {
            self.early = false;
        } else if work.threads <= failed.threads && work.completions >= LEAST_COMPLETIONS / f64::from(SAMPLES)
        {
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

    /// No more threads than that for now.
    pub(super) fn ceiling(&self) -> usize {
        let meanwhile = self.trial.map_or(usize::MAX, |trial| trial.most);
        let failed = self.failed.map_or(usize::MAX, |failed| {
            if failed.left.is_zero() { failed.threads.saturating_mul(RETRY) } else { failed.threads }
        });
        failed.min(meanwhile)
    }
}

#[cfg(test)]
#[path = "../../../tests/policy/scaling/gain.rs"]
mod tests;
