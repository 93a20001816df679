//! What a test wants to know of a pool beside its statistics.

use super::rest::is_idle;
use crate::pool::AdaptiveThreadPool;

impl AdaptiveThreadPool {
    /// Nothing more will happen by itself: every worker sleeps and nothing waits, or the worker waits for a cue.
    pub(crate) fn is_quiet(&self) -> bool {
        let shared = self.shared();
        match &shared.stage.gate {
            Some(gate) if !gate.is_open() => shared.idle.census().active() == 0,
            _ => is_idle(shared),
        }
    }

    /// How many tenants have tasks that wait or run.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.shared().ranks.busy_tenants()
    }
}
