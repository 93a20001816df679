//! What a test controls in one pool, and the test plan of its builder.
//!
//! A controlled pool is the pool of production, with real threads. Three things differ:
//!
//! - **manual**: the worker waits at a [`StepGate`] for a command, runs one task, and reports.
//!   Between two commands the pool counts it as a searcher, so that no submitter wakes or starts
//!   another.
//! - **inline**: a submitter waits at an [`IdleBarrier`] until the worker sleeps again.
//! - **held clock**: a [`HeldClock`] keeps the submitter's paused clock while work is under way.

use std::any::Any;
use std::sync::Arc;

use super::aside::{self, SetAside};
use super::faults::Faults;
use super::held_clock::HeldClock;
use super::idle_barrier::IdleBarrier;
use super::step_gate::StepGate;
use crate::error::RejectReason;
use crate::pool::{HookedPool, PoolBuilder, Propagate, Stepped, TestControl, TestPlan};

/// The test plan of a builder.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) gate: Option<Arc<StepGate>>,
    pub(super) inline: bool,
    pub(super) hold_clock: bool,
    pub(super) faults: Option<Faults>,
}

impl Plan {
    /// Changes the plan of `builder`.
    pub(super) fn amend(builder: PoolBuilder, change: impl FnOnce(&mut Self)) -> PoolBuilder {
        let known = builder.test_plan().and_then(|plan| plan.as_any().downcast_ref::<Self>());
        let mut plan = known.cloned().unwrap_or_default();
        change(&mut plan);
        builder.with_test_plan(Arc::new(plan))
    }
}

impl TestPlan for Plan {
    fn control(&self, pool: HookedPool) -> Arc<dyn TestControl> {
        Arc::new(Control {
            gate: self.gate.clone(),
            barrier: self.inline.then(|| Arc::new(IdleBarrier::new(pool.clone()))),
            clock: self.hold_clock.then(|| Arc::new(HeldClock::new(pool.clone()))),
            faults: self.faults.clone(),
            pool,
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a test controls in one pool.
pub(super) struct Control {
    pool: HookedPool,
    gate: Option<Arc<StepGate>>,
    barrier: Option<Arc<IdleBarrier>>,
    clock: Option<Arc<HeldClock>>,
    faults: Option<Faults>,
}

impl SetAside for Control {
    fn set_aside(&self, aside: bool) {
        if let Some(gate) = &self.gate {
            gate.set_aside(aside);
        }
        if let Some(barrier) = &self.barrier {
            barrier.set_aside(aside);
        }
    }
}

impl TestControl for Control {
    /// The clock comes before the faults, because what a fault does happens while the clock is
    /// held.
    fn propagates(&self) -> Vec<Arc<dyn Propagate>> {
        let mut all: Vec<Arc<dyn Propagate>> = Vec::new();
        all.extend(self.barrier.iter().map(|barrier| Arc::new(Arc::clone(barrier)) as _));
        all.extend(self.clock.iter().map(|clock| Arc::new(Arc::clone(clock)) as _));
        all.extend(self.faults.iter().map(Faults::propagate));
        all
    }

    fn run_steps(self: Arc<Self>, worker: &dyn Stepped) {
        aside::enter(Arc::clone(&self) as _);
        if let Some(gate) = &self.gate {
            gate.serve(worker, || self.state_changed());
        }
    }

    fn is_stepped(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| !gate.is_open())
    }

    fn worker_woken(&self) {
        if let Some(barrier) = &self.barrier {
            barrier.wait();
        }
    }

    fn state_changed(&self) {
        if let Some(gate) = self.gate.as_ref().filter(|_| self.pool.is_closing()) {
            gate.open();
        }
        if let Some(barrier) = &self.barrier {
            barrier.check();
        }
        if let Some(clock) = &self.clock {
            clock.check();
        }
    }

    /// A task's own submissions need no permit, so they are not refused.
    fn refusal(&self) -> Option<RejectReason> {
        self.faults.as_ref().filter(|_| !self.pool.is_here())?.next_refusal()
    }

    /// When a step ends, when the pool is idle and when a clock is released, callers must have been
    /// woken.
    fn sends_wakes(&self) -> bool {
        self.gate.is_some() || self.barrier.is_some() || self.clock.is_some()
    }

    fn hold_clock(&self) -> Option<Box<dyn Any + Send>> {
        Some(Box::new(self.clock.as_ref()?.hold()?))
    }
}
