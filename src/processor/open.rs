//! The first steps of a single document: looked at, its tenant's slot taken, converted where it is or made ready to be shipped. None of
//! them waits, so that they are the same for all who wait in ways of their own.

use std::sync::Arc;
use std::time::Instant;

use tracing::Span;

use super::engine::Venue;
use super::inline::{self, Here};
use super::request::{Job, Outcome, task_for};
use super::single::on_worker;
use super::{ConcurrentProcessorV2, ProcessError, Tenants};
use crate::admission::Slot;
use crate::convert::Converter;
use crate::pool::{AdaptiveThreadPool, Deferred, TaskBuilder, Ticket};
use crate::task::TaskOptions;

/// A document that was looked at.
pub(crate) struct Opened {
    job: Job,
    terms: TaskOptions,
    asked: Instant,
    /// When its conversion begins, if that is to be here.
    start: Instant,
    here: Option<Here>,
}

/// What is to be done with it.
pub(crate) enum Way {
    /// Nothing more.
    Answered(Outcome),
    /// It is to be shipped when its tenant, who has as many under way as one may, has a slot for it.
    TenantFull(Arrived),
    /// It is to be shipped.
    Ship(Shipment),
}

/// A document for a worker.
pub(crate) struct Shipment {
    job: Job,
    terms: TaskOptions,
    asked: Instant,
    slot: Option<Slot<Ticket>>,
    /// What it counts for in the byte budget.
    weight: usize,
}

/// A document at the end of its tenant's line.
pub(crate) struct Arrived {
    shipment: Shipment,
    tenants: Arc<Tenants>,
    name: Arc<str>,
}

impl Opened {
    /// Whether the caller is to yield to the runtime first.
    pub(crate) fn yields(&self) -> bool {
        self.here.is_some_and(|here| here.yields)
    }

    /// The caller has.
    pub(crate) fn begins_now(&mut self) {
        self.start = Instant::now();
    }
}

impl Shipment {
    /// The task for it; `None` if it may be any.
    pub(crate) fn task<'p>(&self, pool: &'p AdaptiveThreadPool) -> Option<TaskBuilder<'p>> {
        task_for(&self.terms, pool, self.weight)
    }
}

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Looks at a document that was asked for at `asked`.
    ///
    /// # Errors
    /// Its answer, if it is not accepted.
    pub(super) fn open(&self, job: Job, terms: TaskOptions, asked: Instant) -> Result<Opened, Outcome> {
        let engine = &self.engine;
        if self.pool.is_closed() {
            return Err(engine.refused(ProcessError::Closed, job.content, asked));
        }
        if let Err(error) = engine.check_size(&job.content) {
            return Err(engine.refused(error, job.content, asked));
        }
        if terms.has_expired(asked) {
            return Err(engine.refused(ProcessError::Expired, job.content, asked));
        }
        let here = if self.pool.is_here() { None } else { inline::turn(engine, &job, asked) };
        Ok(Opened { job, terms, asked, start: asked, here })
    }

    /// Converts it here, or says how it is to be shipped.
    pub(crate) fn proceed(&self, opened: Opened) -> Way {
        let engine = &self.engine;
        let Opened { job, terms, asked, start, here } = opened;
        let mut slot = None;
        // A task that runs on the pool has its place already, and its tenant's if it has one: to wait for another might
        // be to wait for itself.
        if let (Some(tenants), Some(name), false) = (&engine.tenants, &terms.tenant, self.pool.is_here()) {
            slot = tenants.try_enter(name);
            if slot.is_none() {
                let (tenants, name) = (Arc::clone(tenants), Arc::clone(name));
                let shipment = self.shipment(job, terms, asked, slot);
                return Way::TenantFull(Arrived { shipment, tenants, name });
            }
        }
        if let Some(Here { formats, .. }) = here {
            let _span = terms.span().map(Span::entered);
            let outcome = engine.convert(job, asked, start, Venue::Caller(formats));
            engine.account(&outcome);
            return Way::Answered(outcome);
        }
        Way::Ship(self.shipment(job, terms, asked, slot))
    }

    fn shipment(&self, job: Job, terms: TaskOptions, asked: Instant, slot: Option<Slot<Ticket>>) -> Shipment {
        let weight = self.engine.weight(&job.content, &job.options);
        Shipment { job, terms, asked, slot, weight }
    }

    /// What a worker has to do for it.
    pub(crate) fn work(&self, shipment: Shipment) -> impl FnOnce() -> Outcome + Send + 'static + use<C> {
        let Shipment { job, asked, slot, .. } = shipment;
        on_worker(Arc::clone(&self.engine), job, asked, slot)
    }

    /// It stands in its tenant's line, and then in the queue's, by itself.
    pub(crate) fn stand_in_line(&self, arrived: Arrived) -> Deferred<Outcome> {
        let Arrived { shipment: Shipment { job, terms, asked, weight, .. }, tenants, name } = arrived;
        let work = |slot| on_worker(Arc::clone(&self.engine), job, asked, Some(slot));
        self.line_up(&tenants, &name, &terms, weight, work)
    }
}
