//! A tenant's turn: work that is run, or stands in line, when its tenant has a slot for it.

use std::sync::Arc;

use super::request::task_for;
use super::{ConcurrentProcessorV2, Tenants};
use crate::admission::Slot;
use crate::convert::Converter;
use crate::error::JoinError;
use crate::pool::{Deferred, Ticket};
use crate::task::TaskOptions;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Runs a piece of work for these terms when it is its turn.
    ///
    /// # Cancel safety
    /// As [`process_single`](Self::process_single).
    pub(super) async fn in_turn<F, T>(
        &self,
        terms: &TaskOptions,
        bytes: usize,
        work: F,
    ) -> Result<T, JoinError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let holding = |slot: Option<Slot<Ticket>>| {
            move || {
                let result = work();
                // Before the result can be seen.
                drop(slot);
                result
            }
        };
        let mut slot = None;
        if let (Some(tenants), Some(name), false) = (&self.engine.tenants, &terms.tenant, self.pool.is_here())
        {
            slot = tenants.try_enter(name);
            if slot.is_none() {
                return self.line_up(tenants, name, terms, bytes, |slot| holding(Some(slot))).await;
            }
        }
        match task_for(terms, &self.pool, bytes) {
            None => self.pool.run(holding(slot)).await,
            Some(task) => task.run(holding(slot)).await,
        }
    }

    /// The work stands in its tenant's line, and then in the queue's, by itself.
    pub(super) fn line_up<F, T>(
        &self,
        tenants: &Arc<Tenants>,
        name: &Arc<str>,
        terms: &TaskOptions,
        bytes: usize,
        work: impl FnOnce(Slot<Ticket>) -> F,
    ) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (slot, arrival) = tenants.join_line(name);
        let work = work(slot);
        let (ticket, deferred) = match task_for(terms, &self.pool, bytes) {
            None => self.pool.defer(work),
            Some(task) => task.defer(work),
        };
        tenants.bring(name, arrival, ticket);
        deferred
    }
}
