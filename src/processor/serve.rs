//! What a service needs of the processor beside the steps in `open.rs`.

use std::time::Instant;

use super::engine::InFlight;
use super::open::{Arrived, Opened};
use super::request::{ConversionRequest, Outcome};
use super::{ConcurrentProcessorV2, ProcessError};
use crate::contain::contain;
use crate::convert::Converter;
use crate::error::Rejection;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Looks at a document: its name, the note that it is under way, and what came of the look.
    pub(crate) fn open_request(
        &self,
        request: ConversionRequest,
    ) -> (String, InFlight, Result<Opened, Outcome>) {
        let asked = Instant::now();
        let under_way = self.engine.enter();
        let terms = self.engine.terms(&request, &request.content);
        let (id, job) = request.into_parts();
        (id, under_way, self.open(job, terms, asked))
    }

    /// A document that is not to wait for its tenant's turn.
    pub(crate) fn refuse(&self, arrived: Arrived) -> Rejection {
        // It may be a user's own memory, with a drop of its own.
        contain(|| drop(arrived));
        self.tenant_full()
    }

    /// The facts for a document whose tenant has as many under way as one may.
    pub(crate) fn tenant_full(&self) -> Rejection {
        self.tenant_rejection(self.engine.config.max_concurrent_per_tenant)
    }

    /// Counts a document that was let in and not converted.
    pub(crate) fn count_unconverted(&self, why: ProcessError) {
        self.engine.unconverted(why, Instant::now());
    }
}
