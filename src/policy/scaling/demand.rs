//! The number of threads that a sample calls for. Impossible figures are clamped.

use super::sample::{Clocks, Sample};

/// If the threads were busy for less than this part of the interval in total, the sample tells
/// nothing.
const MIN_BUSY: f64 = 0.3;
/// The largest number of cores that is believed.
const MAX_CORES: f64 = 65_536.0;
/// The largest number of threads for a core.
const MAX_THREADS_A_CORE: f64 = 1_000.0;
/// The spare threads, in standard deviations of the number of ready threads (found by simulation,
/// docs/decisions/0006-scaling.md).
const SPARE: f64 = 1.2;

/// Returns the cores that the pool can count on: the usable cores less those of other threads, but
/// at least one, or all if there is less.
pub(super) fn cores(sample: &Sample) -> f64 {
    let usable = usable(sample);
    (usable - possible(sample.other_cores, MAX_CORES)).max(usable.min(1.0))
}

/// Returns the cores that the process may use.
pub(super) fn usable(sample: &Sample) -> f64 {
    possible(sample.usable_cores, MAX_CORES).max(0.01)
}

/// How the threads' time in tasks was spent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// The number of threads that keep a core busy: the time on a core and the time blocked,
    /// divided by the time on a core. The time that ready threads wait for a core is left out. With
    /// it the figure would depend on the number of threads that it determines.
    pub(super) threads_a_core: f64,
    /// The part of the time in which threads were ready and waited for a core.
    pub(super) runnable: f64,
    /// The number of cores that they kept busy.
    pub(super) used: f64,
}

/// Returns the shares, if the system has clocks and the threads were busy enough.
pub(super) fn shares(sample: &Sample) -> Option<Shares> {
    let Clocks { busy, on_cpu, runnable } = sample.clocks?;
    let interval = sample.interval.as_secs_f64();
    let busy = busy.as_secs_f64();
    if busy < MIN_BUSY * interval || interval <= 0.0 {
        return None;
    }
    let on_cpu = on_cpu.as_secs_f64().min(busy);
    let runnable = runnable.as_secs_f64().min(busy - on_cpu);
    // A thread of a throttled group is ready and waits for a core, and the kernel counts it so: two
    // spinning threads under a quota of half a core were on a core for 1.0 of 4 s and waited for
    // 3.0 (Linux 6.18). So `Sample::throttled` is not subtracted.
    let blocked = (busy - on_cpu - runnable).max(0.0);
    let threads_a_core = ((on_cpu + blocked) / on_cpu.max(1e-9)).clamp(1.0, MAX_THREADS_A_CORE);
    Some(Shares { threads_a_core, runnable: runnable / busy, used: on_cpu / interval })
}

/// Returns the number of threads that keeps `cores` busy.
///
/// `cores x threads_a_core` threads have as many ready ones as there are cores *on average*. Their
/// number varies (it is about binomially distributed), and cores idle while it is lower. So spare
/// threads are added, in proportion to the standard deviation: the square-root rule of staffing
/// (Halfin and Whitt, "Heavy-Traffic Limits for Queues with Many Exponential Servers", 1981).
pub(super) fn threads(cores: f64, threads_a_core: f64) -> f64 {
    let blocked = 1.0 - 1.0 / threads_a_core;
    (cores + SPARE * (cores * blocked).sqrt()) * threads_a_core
}

fn possible(value: f64, most: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, most) } else { 0.0 }
}

#[cfg(test)]
mod tests;
