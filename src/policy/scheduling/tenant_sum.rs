//! What tenants have waiting, running and done.

/// The sum of one tenant's tasks, or of several tenants'.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TenantSum {
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Grants that are open.
    pub(crate) running: usize,
    /// Tasks that were taken out to run. It never falls.
    pub(crate) taken: u64,
    /// Processor time of tasks that have ended, in nanoseconds. It never falls.
    pub(crate) used_ns: u64,
}

impl TenantSum {
    /// The sum of both.
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            running: self.running + other.running,
            taken: self.taken + other.taken,
            used_ns: self.used_ns.saturating_add(other.used_ns),
        }
    }

    /// What is left without the tenants of `other`.
    pub(crate) fn less(self, other: &Self) -> Self {
        Self {
            waiting: self.waiting.saturating_sub(other.waiting),
            running: self.running.saturating_sub(other.running),
            taken: self.taken.saturating_sub(other.taken),
            used_ns: self.used_ns.saturating_sub(other.used_ns),
        }
    }

    /// What is left of it when the account is closed: no task waits or runs then.
    pub(super) fn done(self) -> Self {
        Self { waiting: 0, running: 0, ..self }
    }
}
