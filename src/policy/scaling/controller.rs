//! The controller: samples in, targets out.

use std::time::Duration;

use super::climb::{Climb, Step};
use super::decision::{Decision, Reason};
use super::demand::{self, Shares};
use super::gain::{Gain, Work};
use super::sample::Sample;
use super::smoothing::Smoothed;

/// The part of their time that threads may wait for a core before growth stops, if the pool has
/// less than [`TAKEN`] of its cores: then others have the cores. (Waiting alone says little. On two
/// cores, with tasks that are blocked for nine tenths, the best number of threads waits for 40 % of
/// its time.)
const NO_GROWTH: f64 = 0.10;
/// See [`NO_GROWTH`].
const TAKEN: f64 = 0.7;
/// Beyond this part of the time waiting for a core there are too many threads.
const OVERSUBSCRIBED: f64 = 0.25;
/// The target moves only for a difference of more than one thread, or this part of it.
const DEAD_BAND: f64 = 0.08;
/// Below this many threads for a core, tasks only compute.
const COMPUTES: f64 = 1.05;
/// A fraction of a thread that is not rounded up.
const NEGLIGIBLE: f64 = 0.25;
/// Samples in a row that must agree before the target moves without a step.
const AGREEING_SAMPLES: i32 = 3;
/// If the number grows by this factor at once, the mean starts again: among many threads a task
/// takes more of a core than among few.
const LARGE_GROWTH: usize = 4;
/// The number of samples after such growth in which the number is corrected at once.
const SETTLING: u32 = 2;
/// Below this many threads each one counts.
const FEW: usize = 6;
/// How long a surplus lasts before the target falls by one thread.
const SHRINK: Duration = Duration::from_millis(500);

/// The bounds of a controller's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least number of threads.
    pub min: usize,
    /// The largest number of threads.
    pub max: usize,
}

impl Limits {
    fn clamp(self, threads: usize) -> usize {
        threads.min(self.max).max(self.min)
    }
}

/// Decides how many threads a pool may have, from measurements. It is a pure state machine without
/// a clock: equal samples get equal answers.
///
/// ```
/// use std::time::Duration;
/// use millpond::scaling::{Clocks, Controller, Limits, Reason, Sample};
///
/// let mut controller = Controller::new(Limits { min: 1, max: 100 }, 2);
/// let interval = Duration::from_millis(100);
/// // Two threads that are on a core for a tenth of their time.
/// let clocks = Clocks { busy: 2 * interval, on_cpu: interval / 5, runnable: Duration::ZERO };
/// let (threads, queued, usable_cores) = (2, 50, 2.0);
/// let sample = Sample { interval, usable_cores, threads, queued, clocks: Some(clocks), ..Sample::default() };
/// let decision = controller.step(sample);
/// assert_eq!(decision.reason, Reason::WorkBlocks);
/// assert!(decision.target >= 20);
/// ```
#[derive(Debug, Clone)]
pub struct Controller {
    limits: Limits,
    target: usize,
    /// The number of threads that keep a core busy.
    threads_a_core: Smoothed,
    /// The usable cores at the last sample, rounded up.
    usable: Option<usize>,
    /// Samples in a row that called for more threads, or for fewer if negative.
    agree: i32,
    surplus_for: Duration,
    /// Further samples in which the number is corrected at once.
    settling: u32,
    gain: Gain,
    climb: Climb,
}

impl Controller {
    /// Before the first sample the target is the number of usable cores, within the limits.
    #[must_use]
    pub fn new(limits: Limits, usable_cores: usize) -> Self {
        Self {
            limits,
            target: limits.clamp(usable_cores),
            threads_a_core: Smoothed::default(),
            usable: None,
            agree: 0,
            surplus_for: Duration::ZERO,
            settling: 0,
            gain: Gain::default(),
            climb: Climb::default(),
        }
    }

    /// The current target.
    #[must_use]
    pub fn target(&self) -> usize {
        self.target
    }

    /// Takes the sample of the last interval.
    pub fn step(&mut self, sample: Sample) -> Decision {
        let cores = demand::cores(&sample);
        let shares = demand::shares(&sample);
        let reason = self.decide(&sample, cores, shares);
        self.target = self.limits.clamp(self.target);
        Decision {
            target: self.target,
            reason,
            blocked_share: self.threads_a_core.mean().map_or(0.0, |threads| 1.0 - 1.0 / threads),
            runnable_share: shares.map_or(0.0, |shares| shares.runnable),
            cores,
            sample,
        }
    }

    fn decide(&mut self, sample: &Sample, cores: f64, shares: Option<Shares>) -> Reason {
        let usable = (demand::usable(sample) - NEGLIGIBLE / 2.0).ceil().max(1.0) as usize;
        let usable_before = self.usable.replace(usable);
        let cores_changed = usable_before.is_some_and(|before| before != usable);
        let work = work(sample, cores, shares);
        let Some(shares) = shares else {
            return match (usable_before.filter(|_| cores_changed), sample.clocks) {
                (None, None) => self.climb(sample, work, usable),
                (None, Some(_)) => Reason::Unchanged,
                // The target was right for other cores, so it changes in proportion.
                (Some(before), None) => {
                    self.climb = Climb::default();
                    let target = self.target as f64 * usable as f64 / before.max(1) as f64;
                    self.move_to((target.round() as usize).max(usable), Reason::CoresChanged)
                }
                (Some(_), Some(_)) => self.move_to(self.wanted(cores, usable), Reason::CoresChanged),
            };
        };
        if let Some(back) = self.gain.judge(self.target, work, sample.interval) {
            return self.move_to(back, Reason::NoGain);
        }
        let stepped = self.threads_a_core.add(shares.threads_a_core) || self.settling > 0;
        self.settling = self.settling.saturating_sub(1);
        let first = usable_before.is_none();
        let wanted = self.wanted(cores, usable);
        if cores_changed {
            return self.move_to(wanted, Reason::CoresChanged);
        }
        if wanted >= self.target {
            self.surplus_for = Duration::ZERO;
            self.grow(wanted, stepped, first, shares, work)
        } else {
            self.shrink(wanted, stepped, shares, sample.interval)
        }
    }

    /// Returns the number of threads for `cores`, by what is known about the work.
    fn wanted(&self, cores: f64, usable: usize) -> usize {
        let threads = demand::threads(cores, self.threads_a_core.mean().unwrap_or(1.0));
        // At least one thread for each usable core: that is what the burst rule gives, and others
        // may release their cores.
        self.limits.clamp(((threads - NEGLIGIBLE).ceil() as usize).max(usable))
    }

    fn grow(&mut self, wanted: usize, stepped: bool, first: bool, shares: Shares, work: Work) -> Reason {
        if wanted == self.target {
            self.agree = 0;
            return Reason::Settled;
        }
        // Within the dead band the target stays. Of few threads one more is no noise.
        if wanted - self.target <= self.dead_band() && self.target >= FEW {
            self.agree = 0;
            return Reason::Settled;
        }
        // After a step the share is partly that of the time before it.
        if shares.runnable > NO_GROWTH && work.used < TAKEN && !stepped {
            self.agree = 0;
            return Reason::CoresTaken;
        }
        self.agree = self.agree.max(0) + 1;
        let allowed = wanted.min(self.gain.ceiling());
        if allowed <= self.target {
            return Reason::NoGain;
        }
        if stepped || first || self.agree >= AGREEING_SAMPLES {
            self.gain.grown(self.target, allowed, work);
            if allowed >= LARGE_GROWTH * self.target {
                self.settling = SETTLING;
                self.threads_a_core.begin_anew();
            }
            return self.move_to(allowed, Reason::WorkBlocks);
        }
        Reason::Unchanged
    }

    fn shrink(&mut self, wanted: usize, stepped: bool, shares: Shares, interval: Duration) -> Reason {
        self.agree = self.agree.min(0) - 1;
        let crowded = shares.runnable > OVERSUBSCRIBED;
        // If no thread blocks, each thread above the cores only shares them.
        let computes = shares.threads_a_core < COMPUTES;
        if self.target - wanted <= self.dead_band() && !computes {
            self.surplus_for = Duration::ZERO;
            return Reason::Settled;
        }
        if stepped || (crowded && self.agree <= -2) {
            return self.move_to(wanted, Reason::Surplus);
        }
        self.surplus_for = self.surplus_for.saturating_add(interval);
        if self.surplus_for < SHRINK {
            return Reason::Unchanged;
        }
        let agree = self.agree;
        let reason = self.move_to(self.target - 1, Reason::Surplus);
        self.agree = agree;
        reason
    }

    fn climb(&mut self, sample: &Sample, work: Work, usable: usize) -> Reason {
        match self.climb.step(self.target, work.rate, work.saturated, sample.interval) {
            Step::Stay => Reason::Unchanged,
            // Nothing is to be learnt at the upper limit.
            Step::Try(_) if self.target >= self.limits.max => Reason::Settled,
            Step::Try(threads) => self.move_to(threads, Reason::Trial),
            Step::Back(threads) => self.move_to(threads, Reason::NoGain),
            Step::Reset => self.move_to(usable, Reason::Surplus),
        }
    }

    fn dead_band(&self) -> usize {
        ((self.target as f64 * DEAD_BAND) as usize).max(1)
    }

    fn move_to(&mut self, target: usize, reason: Reason) -> Reason {
        self.target = self.limits.clamp(target);
        self.agree = 0;
        self.surplus_for = Duration::ZERO;
        reason
    }
}

fn work(sample: &Sample, cores: f64, shares: Option<Shares>) -> Work {
    let seconds = sample.interval.as_secs_f64();
    let completions = sample.completions as f64;
    Work {
        threads: sample.threads,
        rate: if seconds > 0.0 { completions / seconds } else { 0.0 },
        task: sample.threads.saturating_sub(sample.idle) as f64 * seconds / completions.max(1.0),
        cost: shares.map_or(0.0, |shares| shares.used * seconds) / completions.max(1.0),
        completions,
        used: shares.map_or(1.0, |shares| shares.used / cores),
        // Threads that search for work when the sample is taken are idle, too.
        saturated: sample.queued > sample.idle,
    }
}

#[cfg(test)]
mod tests;
