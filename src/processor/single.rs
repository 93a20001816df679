//! One document at a time.

use std::future::{self, Future};
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::task::yield_now;

use super::inline::{self, Here};
use super::metrics::InFlight;
use super::request::{Job, Outcome};
use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError};
use crate::convert::Converter;
use crate::error::Rejected;
use crate::pool::{AbortOnDrop, Mode, run_here};
use crate::task::TaskOptions;

/// An accepted document.
pub(crate) struct Checked {
    job: Job,
    task: TaskOptions,
    asked: Instant,
    /// It is converted on this thread.
    here: Option<Here>,
}

impl Checked {
    /// Returns whether the caller yields to the runtime first.
    pub(crate) fn yields(&self) -> bool {
        self.here.is_some_and(|here| here.yields)
    }
}

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts a document. The response has the error, if there is one.
    ///
    /// A document that is predicted to take less than `inline_budget` is converted on the calling
    /// thread, in a bounded share of its time. Any other goes to the pool, and waits there while
    /// the queue is full or while as many tasks of its tenant run as may. It does not need polls to
    /// make progress, and delays no other document.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the document if its conversion has not started: its bytes are
    /// dropped, and its place in the queue is free, before `drop` returns. A conversion that has
    /// started goes on to its end (a document in parts: to the end of the started parts). It counts
    /// for its tenant's limit until then, and its result is dropped.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        let task = self.inner.task_options(&request, &request.content);
        let (id, job) = request.into_parts();
        self.process(job, task, Instant::now()).await.named(id)
    }

    pub(super) async fn process(&self, job: Job, task: TaskOptions, asked: Instant) -> Outcome {
        let in_flight = self.inner.tally.enter();
        let checked = match self.check(job, task, asked) {
            Ok(checked) => checked,
            Err(outcome) => {
                self.pool.turn().await;
                return outcome;
            }
        };
        if checked.yields() {
            yield_now().await;
        }
        let checked = match self.convert_here(checked) {
            Break(outcome) => return outcome,
            Continue(checked) => checked,
        };
        let (task, work) = self.prepare(checked);
        let result = self.pool.run_with(task, work).await;
        result.unwrap_or_else(|error| in_flight.unconverted(error.into(), asked))
    }

    /// Checks a document that was requested at `asked`, and decides where it is converted.
    ///
    /// # Errors
    /// The answer, if it is refused.
    fn check(&self, job: Job, task: TaskOptions, asked: Instant) -> Result<Checked, Outcome> {
        let inner = &self.inner;
        // What a task submits to its own pool is accepted as the task was.
        if self.pool.is_closed() && !self.pool.is_here() {
            return Err(inner.tally.refused(ProcessError::Closed, job.content, asked));
        }
        if let Err(error) = inner.check_size(&job.content) {
            return Err(inner.tally.refused(error, job.content, asked));
        }
        if task.has_expired(asked) {
            self.pool.count_late();
            return Err(inner.tally.refused(ProcessError::Expired, job.content, asked));
        }
        let may_inline = !self.pool.is_here() && inner.may_inline(&task);
        let here = if may_inline { inline::choose(inner, &job, asked) } else { None };
        Ok(Checked { job, task, asked, here })
    }

    /// Converts a document on this thread, if that was decided. Call it after the yield.
    pub(crate) fn convert_here(&self, checked: Checked) -> ControlFlow<Outcome, Checked> {
        let Some(Here { formats, yields }) = checked.here else { return Continue(checked) };
        let Checked { job, task, asked, .. } = checked;
        let start = if yields { Instant::now() } else { asked };
        let _inside = run_here(&task);
        let outcome = self.inner.convert(job, asked, start, Some(formats));
        self.inner.tally.account(&outcome);
        Break(outcome)
    }

    /// Returns the options of a document's task, and its work.
    pub(crate) fn prepare(
        &self,
        Checked { job, task, asked, .. }: Checked,
    ) -> (TaskOptions, impl FnOnce() -> Outcome + Send + 'static + use<C>) {
        let bytes = self.inner.weight(&job.content, &job.options);
        (TaskOptions { bytes, ..task }, self.work(job, asked))
    }

    fn work(&self, job: Job, asked: Instant) -> impl FnOnce() -> Outcome + Send + 'static + use<C> {
        let inner = Arc::clone(&self.inner);
        move || {
            let outcome = inner.convert(job, asked, Instant::now(), None);
            inner.tally.account(&outcome);
            outcome
        }
    }

    /// Submits a document at once, or refuses it at once. Never converts on the calling thread.
    ///
    /// The future yields the response; dropping it cancels the document as with
    /// [`process_single`](Self::process_single). It need not be polled for the conversion to go on.
    ///
    /// # Errors
    /// The queue is full, the tenant has its share of it
    /// ([`TenantLimit`](crate::RejectReason::TenantLimit)), or the pool takes no more work: the
    /// request is handed back, unchanged, with the facts.
    /// [`RetryPolicy::submit`](crate::retry::RetryPolicy::submit) tries again with it. A document
    /// that is too long is not handed back, since a retry would not help: its response has the
    /// error, at once.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        let inner = &self.inner;
        let in_flight = inner.tally.enter();
        if !self.pool.is_closed() {
            if let Err(error) = inner.check_size(&request.content) {
                let ConversionRequest { id, content, .. } = request;
                let answer = Answer::Known(future::ready(inner.tally.refused(error, content, asked)));
                return Ok(Processing { answer, id, in_flight });
            }
        }
        let task = inner.task_options(&request, &request.content);
        let bytes = inner.weight(&request.content, &request.options);
        let mut id = String::new();
        let work = |request: ConversionRequest| {
            let (name, job) = request.into_parts();
            id = name;
            self.work(job, asked)
        };
        let task = self.pool.submit(TaskOptions { bytes, ..task }, Mode::Try, request, work)?;
        Ok(Processing { answer: Answer::Awaited { task, asked }, id, in_flight })
    }

    /// Checks a new request of a service. Returns its name, the guard that counts it, and the
    /// accepted document or its answer.
    #[cfg(feature = "tower")]
    pub(crate) fn check_request(
        &self,
        request: ConversionRequest,
    ) -> (String, InFlight, Result<Checked, Outcome>) {
        let asked = Instant::now();
        let in_flight = self.inner.tally.enter();
        let task = self.inner.task_options(&request, &request.content);
        let (id, job) = request.into_parts();
        (id, in_flight, self.check(job, task, asked))
    }
}

/// The response to a request that [`try_process_single`](ConcurrentProcessorV2::try_process_single)
/// accepted.
#[must_use = "dropping it cancels the document"]
pub struct Processing {
    answer: Answer,
    id: String,
    in_flight: InFlight,
}

enum Answer {
    /// The document was not accepted.
    Known(future::Ready<Outcome>),
    Awaited {
        task: AbortOnDrop<Outcome>,
        asked: Instant,
    },
}

impl std::fmt::Debug for Processing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processing").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Future for Processing {
    type Output = ConversionResponse;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = match &mut this.answer {
            Answer::Known(outcome) => ready!(Pin::new(outcome).poll(cx)),
            Answer::Awaited { task, asked } => ready!(Pin::new(task).poll(cx))
                .unwrap_or_else(|error| this.in_flight.unconverted(error.into(), *asked)),
        };
        Poll::Ready(outcome.named(std::mem::take(&mut this.id)))
    }
}
