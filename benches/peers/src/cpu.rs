//! CPU time, of this process and of the others.

use std::fs;
use std::time::{Duration, Instant};

use super::cores;

/// What all threads of this process have burned so far, in user and kernel mode.
#[cfg(target_os = "linux")]
pub fn process_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Elsewhere there is no clock for it here: the section shows zeros.
#[cfg(not(target_os = "linux"))]
pub fn process_time() -> Duration {
    Duration::ZERO
}

/// Watches what others leave of the machine: figures that were taken beside a busy neighbour are worth less, those of
/// workers at a low priority above all.
pub struct Others {
    since: Instant,
    own: Duration,
    all: Option<Duration>,
}

impl Others {
    /// From now on.
    pub fn watch() -> Self {
        Self { since: Instant::now(), own: process_time(), all: machine_time() }
    }

    /// The share of the cores that others had since; `None` where it can't be told.
    pub fn share(&self) -> Option<f64> {
        let all = machine_time()?.checked_sub(self.all?)?;
        let others = all.saturating_sub(process_time() - self.own);
        Some(others.as_secs_f64() / (self.since.elapsed().as_secs_f64() * cores() as f64))
    }
}

/// What all cores have spent on anything but idling and waiting, what the hypervisor took included.
fn machine_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal; a tick is 10 ms to user space, whatever it is inside.
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|&column| ticks.get(column)).sum();
    Some(Duration::from_millis(10 * busy))
}
