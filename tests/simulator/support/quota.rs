//! A quota of processor time.

use super::scenario::Seconds;

const PERIOD: Seconds = 0.1;
/// The periods begin at other times than the samples.
const FIRST: Seconds = 0.037;

#[derive(Debug, Default)]
pub struct Quota {
    /// Processor time in each period, if it is bounded.
    share: Option<Seconds>,
    /// What is left of it.
    left: Seconds,
    until_next: Seconds,
    throttled: Seconds,
}

impl Quota {
    /// So many cores on average from now on.
    pub fn allow(&mut self, cores: Option<f64>) {
        self.share = cores.map(|cores| cores * PERIOD);
        self.left = self.share.unwrap_or(0.0) * FIRST / PERIOD;
        self.until_next = FIRST;
    }

    pub fn used_up(&self) -> bool {
        self.share.is_some() && self.left <= 1e-9
    }

    /// How long until the group is throttled or let go, while so many threads are ready.
    pub fn until_it_turns(&self, ready: f64, cores: f64) -> Seconds {
        let on_cores = ready.min(cores);
        match self.share {
            None => f64::INFINITY,
            Some(_) if self.used_up() || on_cores == 0.0 => self.until_next,
            Some(_) => self.until_next.min(self.left / on_cores),
        }
    }

    /// So much time passes while threads want so many cores. Says whether they were throttled.
    pub fn pass(&mut self, time: Seconds, on_cores: f64) -> bool {
        let throttled = self.used_up();
        self.until_next -= time;
        if throttled {
            self.throttled += time * on_cores;
        } else {
            self.left -= time * on_cores;
        }
        throttled
    }

    /// The moment of [`until_it_turns`](Self::until_it_turns) has come.
    pub fn turn(&mut self) {
        if self.until_next <= 1e-9 {
            self.left = self.share.unwrap_or(0.0);
            self.until_next = PERIOD;
        } else {
            self.left = 0.0;
        }
    }

    /// The time throttled since the last call, summed over the cores.
    pub fn throttled(&mut self) -> Seconds {
        std::mem::take(&mut self.throttled)
    }
}
