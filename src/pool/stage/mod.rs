//! What a test can make of a pool; the mechanism behind `test_util`.
//!
//! A pool of any kind is the same code with real threads: what differs is when its worker goes on, and what others wait for.
//!
//! - **manual**: the one worker does not take work by itself. It waits at a [`Gate`] for a cue, plays it (one task, chosen by
//!   the cue), settles all that is open, and reports. Between two cues the census counts it as a searcher, so that nobody
//!   wakes or starts another.
//! - **inline**: the one worker is an ordinary one. Whoever has woken it waits until it [rests](rest::Rest) again.
//! - **real**: nothing differs; while its work is under way the clock of the submitter's runtime is [held](clock::Clock).
//!
//! Without the feature all of this is `no_stage.rs`. With it, a pool that no test has asked for anything is met with a branch
//! where a thread is woken, a worker runs out of work, a task is cancelled or a caller asks for a place and wants to know why
//! there is none; never on the way of a task through the pool.

mod aside;
mod clock;
mod figures;
mod gate;
mod manual;
mod rest;

use std::sync::Arc;

pub(crate) use aside::sleep;
pub(crate) use gate::Director;
pub(crate) use manual::Pick;

use self::clock::Clock;
use self::gate::Gate;
use self::rest::Rest;
use super::propagate::Propagate;
use super::shared::Shared;
use super::{AdaptiveThreadPool, PoolBuilder, worker};
use crate::error::{BuildError, RejectReason};

/// Failures on request.
pub(crate) trait Faulty: Send + Sync + 'static {
    /// Why the next who asks for a place is refused, if so.
    fn refusal(&self) -> Option<RejectReason>;
    /// What is done to tasks.
    fn propagate(&self) -> Arc<dyn Propagate>;
}

/// What a builder was told.
#[derive(Clone, Default)]
pub(super) struct Plan {
    gate: Option<Arc<Gate>>,
    inline: bool,
    hold_clock: bool,
    faults: Option<Arc<dyn Faulty>>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gate, inline, hold_clock, faults } = self;
        f.debug_struct("Plan")
            .field("manual", &gate.is_some())
            .field("inline", inline)
            .field("hold_clock", hold_clock)
            .field("faults", &faults.is_some())
            .finish()
    }
}

/// What becomes of it. All of it is empty in a pool of the usual kind.
pub(super) struct Stage {
    gate: Option<Arc<Gate>>,
    rest: Option<Arc<Rest>>,
    clock: Option<Arc<Clock>>,
    faults: Option<Arc<dyn Faulty>>,
}

impl Stage {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            gate: plan.gate,
            rest: plan.inline.then(Arc::default),
            clock: plan.hold_clock.then(Arc::default),
            faults: plan.faults,
        }
    }

    /// The pool is there.
    pub(super) fn set(&self, shared: &Arc<Shared>) {
        if let Some(clock) = &self.clock {
            clock.set(shared);
        }
        if let Some(rest) = &self.rest {
            rest.set(shared);
        }
    }

    /// What is done where tasks are submitted, and what they take along. The clock comes before the failures: what a failure does
    /// happens while it is held, or lets it go.
    pub(super) fn propagates(&self) -> Vec<Arc<dyn Propagate>> {
        let mut all: Vec<Arc<dyn Propagate>> = Vec::new();
        all.extend(self.rest.iter().map(|rest| Arc::new(Arc::clone(rest)) as _));
        all.extend(self.clock.iter().map(|clock| Arc::new(Arc::clone(clock)) as _));
        all.extend(self.faults.iter().map(|faults| faults.propagate()));
        all
    }

    /// The calling thread has woken a worker.
    #[inline]
    pub(super) fn called(&self, shared: &Arc<Shared>) {
        if let Some(rest) = &self.rest {
            rest.wait_for(shared);
        }
    }

    /// A worker is about to sleep.
    #[inline]
    pub(super) fn at_rest(&self) {
        if let Some(rest) = &self.rest {
            rest.changed();
        }
    }

    /// The last work may be over, and all who wait for it told.
    #[inline]
    pub(super) fn look(&self) {
        if let Some(clock) = &self.clock {
            clock.look();
        }
    }

    /// Deferred wake-ups are taken out of their boxes and sent.
    #[inline]
    pub(super) fn sending(&self, send: impl FnOnce()) {
        match &self.clock {
            None => send(),
            Some(clock) => clock.sending(send),
        }
    }

    /// Whether a caller that is woken may see to the others. Not where the last wake-up is to be seen.
    #[inline]
    pub(super) fn passes_on(&self) -> bool {
        self.gate.is_none() && self.rest.is_none() && self.clock.is_none()
    }

    /// Why a caller from outside is refused, if that was asked for.
    #[inline]
    pub(super) fn refusal(&self, shared: &Arc<Shared>) -> Option<RejectReason> {
        let faults = self.faults.as_ref()?;
        // A task that runs needs no place for what it submits.
        if worker::current_of(shared).is_some() { None } else { faults.refusal() }
    }

    /// The pool closes: from here on its worker goes on by itself.
    pub(super) fn let_go(&self) {
        if let Some(gate) = &self.gate {
            gate.let_go();
        }
        self.at_rest();
    }
}

impl PoolBuilder {
    /// See the method of the same name in `test_util`.
    pub(crate) fn with_held_clock(mut self) -> Self {
        self.plan.hold_clock = true;
        self
    }

    /// See `PoolBuilder::faults` in `test_util`.
    pub(crate) fn with_faults(mut self, faults: Arc<dyn Faulty>) -> Self {
        self.plan.faults = Some(faults);
        self
    }

    /// A pool of one thread that goes on when it is told.
    pub(crate) fn build_gated(self) -> Result<(AdaptiveThreadPool, Director), BuildError> {
        let gate = Arc::new(Gate::default());
        let mut builder = self.alone();
        builder.plan.gate = Some(Arc::clone(&gate));
        let pool = builder.build()?;
        let director = Director::new(gate, pool.shared());
        Ok((pool, director))
    }

    /// A pool of one thread whose submitters wait until it is idle again.
    pub(crate) fn build_waited_for(self) -> Result<AdaptiveThreadPool, BuildError> {
        let mut builder = self.alone();
        builder.plan.inline = true;
        builder.build()
    }

    /// One thread, for which others wait: it had better have the processor.
    fn alone(self) -> Self {
        self.min_threads(1).max_threads(1).worker_niceness(0)
    }
}
