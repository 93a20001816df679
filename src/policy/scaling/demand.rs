//! What a sample says of the threads that would be of use, made of possible figures only.

use super::sample::{Clocks, Sample};

/// In so small a part of the interval, for all threads together, nothing was done that tells anything.
const LEAST_BUSY: f64 = 0.3;
/// Nobody has more cores, nor a share of blocked time nearer to one, that it would be wise to believe in.
const MOST_CORES: f64 = 65_536.0;
const MOST_THREADS_A_CORE: f64 = 1_000.0;
/// Spare threads, in standard deviations of the number that is ready at a time. (By simulation, docs/decisions/0006-scaling.md.)
const SPARE: f64 = 1.2;

/// The cores that a pool can count on: the usable ones less what other threads of the process take, but one, or all there is
/// of it, at the least.
pub(super) fn cores(sample: &Sample) -> f64 {
    let usable = usable(sample);
    (usable - possible(sample.other_cores, MOST_CORES)).max(usable.min(1.0))
}

/// The cores that the process may use.
pub(super) fn usable(sample: &Sample) -> f64 {
    possible(sample.usable_cores, MOST_CORES).max(0.01)
}

/// Where the threads' time in tasks went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// Threads that a core needs to be kept busy: the time on a core and the time blocked, by the time on a core. The time that
    /// ready threads wait for a core is left out of it. With it the figure would depend on the number of threads that it
    /// is to tell: the more of them wait for a core, the smaller the share of their time that they are blocked.
    pub(super) threads_a_core: f64,
    /// The part of the time that threads were ready and waited for a core.
    pub(super) runnable: f64,
    /// Cores that they kept busy.
    pub(super) used: f64,
}

/// The shares, if the system tells of clocks, and there was enough to do to tell anything.
pub(super) fn shares(sample: &Sample) -> Option<Shares> {
    let Clocks { busy, on_cpu, runnable } = sample.clocks?;
    let interval = sample.interval.as_secs_f64();
    let busy = busy.as_secs_f64();
    if busy < LEAST_BUSY * interval || interval <= 0.0 {
        return None;
    }
    let on_cpu = on_cpu.as_secs_f64().min(busy);
    let runnable = runnable.as_secs_f64().min(busy - on_cpu);
    // A thread whose group is throttled is ready and waits for a core, and the kernel's clock of the run queue says so: two
    // that spin, under a quota of half a core, were on a core for 1.0 of 4 s and waited for 3.0 (Linux 6.18). So nothing more
    // is taken off for `Sample::throttled`, whose sum over the cores could not be told apart from time blocked anyway.
    let blocked = (busy - on_cpu - runnable).max(0.0);
    let threads_a_core = ((on_cpu + blocked) / on_cpu.max(1e-9)).clamp(1.0, MOST_THREADS_A_CORE);
    Some(Shares { threads_a_core, runnable: runnable / busy, used: on_cpu / interval })
}

/// The number of threads that keeps `cores` busy.
///
/// `cores x threads_a_core` threads have as many ready ones as there are cores *on average*. But their number varies (it is
/// about binomially distributed), and whenever it is below, cores idle. So there are some to spare, in proportion to
/// the standard deviation: the square-root rule of staffing (Halfin and Whitt, "Heavy-Traffic Limits for Queues with Many
/// Exponential Servers", 1981).
pub(super) fn threads(cores: f64, threads_a_core: f64) -> f64 {
    let blocked = 1.0 - 1.0 / threads_a_core;
    (cores + SPARE * (cores * blocked).sqrt()) * threads_a_core
}

fn possible(value: f64, most: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, most) } else { 0.0 }
}

#[cfg(test)]
#[path = "../../../tests/policy/scaling/demand.rs"]
mod tests;
