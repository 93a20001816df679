//! One document at a time.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::engine::{Engine, InFlight, Venue};
use super::inline;
use super::request::{Job, Outcome, Terms};
use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError, Tenants};
use crate::admission::Slot;
use crate::convert::Converter;
use crate::error::{JoinError, RejectReason, Rejected, Rejection};
use crate::pool::{Deferred, Ticket};

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts a document. What is wrong with it is in the response; this never fails as a whole.
    ///
    /// A document that is predicted to take less than `inline_budget` is converted on the calling thread, in a bounded
    /// share of its time. Any other goes to the pool; while the pool's queue is full, or its tenant has as many under way
    /// as one may, it waits its turn, first come, first served. It waits there by itself: its turn comes even if this
    /// future is not polled at the time, and holds nobody up.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the document if its conversion has not begun: its bytes are dropped, and its place in
    /// the queue and its tenant's slot are free, before `drop` returns. A conversion that has begun goes on to its end (a
    /// document in parts: to the end of the parts that have begun), keeps the tenant's slot until then, and its result is
    /// dropped.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
    ///
    /// let processor = ConcurrentProcessorV2::new()?;
    /// let request = ConversionRequest::new("greeting", "Hello *pond*").with_to(Format::Html);
    /// let response = processor.process_single(request).await;
    /// assert_eq!(response.id, "greeting");
    /// assert_eq!(response.result?, "<p>Hello <em>pond</em></p>\n");
    /// # Ok(()) }
    /// # #[cfg(not(feature = "documents"))] fn main() {}
    /// ```
    pub async fn process_single(&self, request: ConversionRequest) -> ConversionResponse {
        let terms = self.engine.terms(&request, &request.content);
        let (id, job) = request.into_parts();
        self.process(job, terms, Instant::now()).await.named(id)
    }

    pub(super) async fn process(&self, job: Job, terms: Terms, asked: Instant) -> Outcome {
        let engine = &self.engine;
        let _under_way = engine.enter();
        if self.pool.is_closed() {
            return engine.refused(ProcessError::Closed, job.content, asked);
        }
        if let Err(error) = engine.check_size(&job.content) {
            return engine.refused(error, job.content, asked);
        }
        if terms.expired(asked) {
            return engine.refused(ProcessError::Expired, job.content, asked);
        }
        // A task that runs on the pool has its place already, and its tenant's if it has one: to wait for another might
        // be to wait for itself.
        let here = self.pool.is_here();
        let turn = if here { None } else { inline::turn(engine, &job, asked).await };
        let mut slot = None;
        if let (Some(tenants), Some(name), false) = (&engine.tenants, &terms.tenant, here) {
            slot = tenants.try_enter(name);
            if slot.is_none() {
                let bytes = job.content.len();
                let work = |slot| on_worker(Arc::clone(engine), job, asked, Some(slot));
                let result = self.stand_in_line(tenants, name, &terms, bytes, work).await;
                return result.unwrap_or_else(|error| engine.unconverted(error.into(), asked));
            }
        }
        if let Some((start, formats)) = turn {
            let outcome = engine.convert(job, asked, start, Venue::Caller(formats));
            engine.account(&outcome);
            return outcome;
        }
        let bytes = job.content.len();
        let work = on_worker(Arc::clone(engine), job, asked, slot);
        let result = match terms.task(&self.pool, bytes) {
            None => self.pool.run(work).await,
            Some(task) => task.run(work).await,
        };
        result.unwrap_or_else(|error| engine.unconverted(error.into(), asked))
    }

    /// Runs a piece of work for these terms when it is its turn.
    ///
    /// # Cancel safety
    /// As [`process_single`](Self::process_single).
    pub(super) async fn in_turn<F, T>(&self, terms: &Terms, bytes: usize, work: F) -> Result<T, JoinError>
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
                return self.stand_in_line(tenants, name, terms, bytes, |slot| holding(Some(slot))).await;
            }
        }
        match terms.task(&self.pool, bytes) {
            None => self.pool.run(holding(slot)).await,
            Some(task) => task.run(holding(slot)).await,
        }
    }

    fn stand_in_line<F, T>(
        &self,
        tenants: &Arc<Tenants>,
        name: &Arc<str>,
        terms: &Terms,
        bytes: usize,
        work: impl FnOnce(Slot<Ticket>) -> F,
    ) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (slot, arrival) = tenants.join_line(name);
        let work = work(slot);
        let (ticket, deferred) = match terms.task(&self.pool, bytes) {
            None => self.pool.defer(work),
            Some(task) => task.defer(work),
        };
        tenants.bring(name, arrival, ticket);
        deferred
    }

    /// Submits a document at once, or refuses it at once. Never converts on the calling thread.
    ///
    /// The future yields the response; dropping it cancels the document as with
    /// [`process_single`](Self::process_single). It need not be polled for the conversion to go on.
    ///
    /// # Errors
    /// The queue is full, the tenant has as many under way as one may, or the pool takes no more work: the request is
    /// handed back, untouched, with the facts. [`RetryPolicy::submit`](crate::RetryPolicy::submit) tries again with it. A
    /// document that is too long is not refused in this way, for to try again would not help: its response says so, at once.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest, RetryPolicy};
    ///
    /// let processor = ConcurrentProcessorV2::new()?;
    /// let request = ConversionRequest::new("a", "# A");
    /// let policy = RetryPolicy::default();
    /// let response = policy.submit(request, |request| processor.try_process_single(request)).await?.await;
    /// assert!(response.is_ok());
    /// # Ok(()) }
    /// # #[cfg(not(feature = "documents"))] fn main() {}
    /// ```
    pub fn try_process_single(
        &self,
        request: ConversionRequest,
    ) -> Result<Processing, Rejected<ConversionRequest>> {
        let asked = Instant::now();
        let engine = &self.engine;
        let under_way = engine.enter();
        if !self.pool.is_closed() {
            if let Err(error) = engine.check_size(&request.content) {
                let ConversionRequest { id, content, .. } = request;
                let answer = Answer::Known(future::ready(engine.refused(error, content, asked)));
                return Ok(Processing { answer, id, _under_way: under_way });
            }
        }
        let mut slot = None;
        if let (Some(tenants), Some(name), false) = (&engine.tenants, &request.tenant, self.pool.is_here()) {
            slot = tenants.try_enter(name);
            if slot.is_none() {
                return Err(Rejected::new(self.tenant_rejection(tenants.limit()), request));
            }
        }
        let mut id = String::new();
        let terms = engine.terms(&request, &request.content);
        let work = |(request, slot): (ConversionRequest, _)| {
            let (name, job) = request.into_parts();
            id = name;
            on_worker(Arc::clone(engine), job, asked, slot)
        };
        let submitted = match terms.task(&self.pool, request.content.len()) {
            None => self.pool.try_enqueue((request, slot), work),
            Some(task) => task.try_enqueue((request, slot), work),
        };
        match submitted {
            Ok(deferred) => {
                let counts = Arc::clone(engine) as Arc<dyn Unconverted>;
                let answer = Answer::Awaited { deferred, asked, counts };
                Ok(Processing { answer, id, _under_way: under_way })
            }
            Err(rejected) => {
                let (rejection, (request, _slot)) = rejected.into_parts();
                Err(Rejected::new(rejection, request))
            }
        }
    }

    #[cold]
    fn tenant_rejection(&self, limit: usize) -> Rejection {
        // A slot comes free when one of the tenant's own is done: by Little's law once in (mean latency / limit).
        let mean = self.engine.latencies.mean().unwrap_or_default();
        let after = mean / u32::try_from(limit).unwrap_or(u32::MAX);
        Rejection {
            reason: RejectReason::TenantLimit,
            depth: limit,
            limit,
            load_factor: self.pool.statistics().load_factor,
            retry_after: Some(self.pool.spread(after)),
        }
    }
}

/// The work of one document, with its tenant's slot in it.
fn on_worker<C: Converter>(
    engine: Arc<Engine<C>>,
    job: Job,
    asked: Instant,
    slot: Option<Slot<Ticket>>,
) -> impl FnOnce() -> Outcome + Send + 'static {
    move || {
        let outcome = engine.convert(job, asked, Instant::now(), Venue::Worker);
        engine.account(&outcome);
        // Before the answer can be seen: who has it may send the next.
        drop(slot);
        outcome
    }
}

/// The response to a request that [`try_process_single`](ConcurrentProcessorV2::try_process_single) accepted.
#[must_use = "dropping it cancels the document"]
pub struct Processing {
    answer: Answer,
    id: String,
    _under_way: InFlight,
}

enum Answer {
    /// The document was not accepted.
    Known(future::Ready<Outcome>),
    Awaited {
        deferred: Deferred<Outcome>,
        asked: Instant,
        counts: Arc<dyn Unconverted>,
    },
}

/// An [`Engine`], whatever its converter.
trait Unconverted: Send + Sync {
    fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome;
}

impl<C: Converter> Unconverted for Engine<C> {
    fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        Engine::unconverted(self, error, asked)
    }
}

impl std::fmt::Debug for Processing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processing").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Future for Processing {
    type Output = ConversionResponse;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.answer {
            Answer::Known(outcome) => ready!(Pin::new(outcome).poll(cx)),
            Answer::Awaited { deferred, asked, counts } => match ready!(Pin::new(deferred).poll(cx)) {
                Ok(outcome) => outcome,
                Err(error) => counts.unconverted(error.into(), *asked),
            },
        };
        Poll::Ready(outcome.named(std::mem::take(&mut self.id)))
    }
}
