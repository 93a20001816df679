//! One document at a time.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::task::yield_now;

use super::engine::{Engine, InFlight, Venue};
use super::open::Way;
use super::request::{Job, Outcome, task_for};
use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError};
use crate::admission::Slot;
use crate::convert::Converter;
use crate::error::{RejectReason, Rejected, Rejection};
use crate::pool::{Deferred, Ticket};
use crate::task::TaskOptions;

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
    /// let processor = ConcurrentProcessorV2::new();
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

    pub(super) async fn process(&self, job: Job, terms: TaskOptions, asked: Instant) -> Outcome {
        let engine = &self.engine;
        let _under_way = engine.enter();
        let mut opened = match self.open(job, terms, asked) {
            Ok(opened) => opened,
            Err(outcome) => return outcome,
        };
        if opened.yields() {
            yield_now().await;
            opened.begins_now();
        }
        let result = match self.proceed(opened) {
            Way::Answered(outcome) => return outcome,
            Way::TenantFull(arrived) => self.stand_in_line(arrived).await,
            Way::Ship(shipment) => match shipment.task(&self.pool) {
                None => self.pool.run(self.work(shipment)).await,
                Some(task) => task.run(self.work(shipment)).await,
            },
        };
        result.unwrap_or_else(|error| engine.unconverted(error.into(), asked))
    }

    /// Submits a document at once, or refuses it at once. Never converts on the calling thread.
    ///
    /// The future yields the response; dropping it cancels the document as with
    /// [`process_single`](Self::process_single). It need not be polled for the conversion to go on.
    ///
    /// # Errors
    /// The queue is full, the tenant has as many under way as one may, or the pool takes no more work: the request is
    /// handed back, untouched, with the facts. [`RetryPolicy::submit`](crate::retry::RetryPolicy::submit) tries again with it. A
    /// document that is too long is not refused in this way, for to try again would not help: its response says so, at once.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::retry::RetryPolicy;
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest};
    ///
    /// let processor = ConcurrentProcessorV2::new();
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
        if let (Some(tenants), Some(name), false) =
            (&engine.tenants, &request.task.tenant, self.pool.is_here())
        {
            slot = tenants.try_enter(name);
            if slot.is_none() {
                return Err(Rejected::new(self.tenant_rejection(tenants.limit()), request));
            }
        }
        let mut id = String::new();
        let terms = engine.terms(&request, &request.content);
        let weight = engine.weight(&request.content, &request.options);
        let work = |(request, slot): (ConversionRequest, _)| {
            let (name, job) = request.into_parts();
            id = name;
            on_worker(Arc::clone(engine), job, asked, slot)
        };
        let submitted = match task_for(&terms, &self.pool, weight) {
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
    pub(super) fn tenant_rejection(&self, limit: usize) -> Rejection {
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
pub(super) fn on_worker<C: Converter>(
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
