//! One document at a time.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::task::yield_now;

use super::inline::{self, Here};
use super::inner::{InFlight, Inner, Location};
use super::request::{Job, Outcome, task_for};
use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError};
use crate::convert::Converter;
use crate::error::{JoinError, Rejected};
use crate::pool::{AbortOnDrop, Mode, run_here};
use crate::task::TaskOptions;

/// An accepted document.
pub(crate) struct Checked {
    submission: Submission,
    /// The start of its conversion, if that is on this thread.
    start: Instant,
    here: Option<Here>,
}

/// A document for a worker.
pub(crate) struct Submission {
    job: Job,
    task: TaskOptions,
    asked: Instant,
}

/// What happened to an accepted document.
pub(crate) enum Route {
    /// It was converted on the calling thread.
    Answered(Outcome),
    /// It has to be submitted to the pool.
    Submit(Submission),
}

impl Checked {
    /// Returns whether the caller yields to the runtime first.
    pub(crate) fn yields(&self) -> bool {
        self.here.is_some_and(|here| here.yields)
    }

    /// To be called after the yield.
    pub(crate) fn start_now(&mut self) {
        self.start = Instant::now();
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
        let task = self.inner.task_options(&request, &request.content);
        let (id, job) = request.into_parts();
        self.process(job, task, Instant::now()).await.named(id)
    }

    pub(super) async fn process(&self, job: Job, task: TaskOptions, asked: Instant) -> Outcome {
        let _in_flight = self.inner.enter();
        let mut checked = match self.check(job, task, asked) {
            Ok(checked) => checked,
            Err(outcome) => return outcome,
        };
        if checked.yields() {
            yield_now().await;
            checked.start_now();
        }
        let Submission { job, task, asked } = match self.route(checked) {
            Route::Answered(outcome) => return outcome,
            Route::Submit(submission) => submission,
        };
        let bytes = self.inner.weight(&job.content, &job.options);
        let work = on_worker(Arc::clone(&self.inner), job, asked);
        self.run(task, bytes, work).await.unwrap_or_else(|error| self.inner.unconverted(error.into(), asked))
    }

    /// Runs work on the pool, as a task of these options that holds `bytes` bytes.
    ///
    /// # Cancel safety
    /// As [`process_single`](Self::process_single).
    pub(super) async fn run<F, T>(&self, task: TaskOptions, bytes: usize, work: F) -> Result<T, JoinError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.pool.run_with(task_for(task, &self.pool, bytes), work).await
    }

    /// Checks a document that was requested at `asked`, and decides where it is converted.
    ///
    /// # Errors
    /// The answer, if it is refused.
    fn check(&self, job: Job, task: TaskOptions, asked: Instant) -> Result<Checked, Outcome> {
        let inner = &self.inner;
        if self.pool.is_closed() {
            return Err(inner.refused(ProcessError::Closed, job.content, asked));
        }
        if let Err(error) = inner.check_size(&job.content) {
            return Err(inner.refused(error, job.content, asked));
        }
        if task.has_expired(asked) {
            return Err(inner.refused(ProcessError::Expired, job.content, asked));
        }
        let may_inline = !self.pool.is_here() && inner.may_inline(&task);
        let here = if may_inline { inline::choose(inner, &job, asked) } else { None };
        Ok(Checked { submission: Submission { job, task, asked }, start: asked, here })
    }

    /// Converts a document on this thread, if that was decided.
    pub(crate) fn route(&self, checked: Checked) -> Route {
        let Checked { submission, start, here } = checked;
        let Some(Here { formats, .. }) = here else { return Route::Submit(submission) };
        let Submission { job, task, asked } = submission;
        let _inside = run_here(&task);
        let outcome = self.inner.convert(job, asked, start, Location::Caller(formats));
        self.inner.account(&outcome);
        Route::Answered(outcome)
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
        let inner = &self.inner;
        let in_flight = inner.enter();
        if !self.pool.is_closed() {
            if let Err(error) = inner.check_size(&request.content) {
                let ConversionRequest { id, content, .. } = request;
                let answer = Answer::Known(future::ready(inner.refused(error, content, asked)));
                return Ok(Processing { answer, id, _in_flight: in_flight });
            }
        }
        let task = inner.task_options(&request, &request.content);
        let bytes = inner.weight(&request.content, &request.options);
        let mut id = String::new();
        let work = |request: ConversionRequest| {
            let (name, job) = request.into_parts();
            id = name;
            on_worker(Arc::clone(inner), job, asked)
        };
        let deferred = self.pool.submit(task_for(task, &self.pool, bytes), Mode::Try, request, work)?;
        let counts = Arc::clone(inner) as Arc<dyn CountUnconverted>;
        let answer = Answer::Awaited { deferred, asked, counts };
        Ok(Processing { answer, id, _in_flight: in_flight })
    }
}

/// For the service of a processor.
#[cfg(feature = "tower")]
impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Checks a new request. Returns its name, the guard that counts it, and the accepted document
    /// or its answer.
    pub(crate) fn check_request(
        &self,
        request: ConversionRequest,
    ) -> (String, InFlight, Result<Checked, Outcome>) {
        let asked = Instant::now();
        let in_flight = self.inner.enter();
        let task = self.inner.task_options(&request, &request.content);
        let (id, job) = request.into_parts();
        (id, in_flight, self.check(job, task, asked))
    }

    /// Returns the options of a document's task, and its work.
    pub(crate) fn prepare(
        &self,
        submission: Submission,
    ) -> (TaskOptions, impl FnOnce() -> Outcome + Send + 'static + use<C>) {
        let Submission { job, task, asked } = submission;
        let bytes = self.inner.weight(&job.content, &job.options);
        (task_for(task, &self.pool, bytes), on_worker(Arc::clone(&self.inner), job, asked))
    }

    /// Counts a document that was accepted and not converted.
    pub(crate) fn count_unconverted(&self, why: ProcessError) {
        self.inner.unconverted(why, Instant::now());
    }
}

/// The work of one document.
fn on_worker<C: Converter>(
    inner: Arc<Inner<C>>,
    job: Job,
    asked: Instant,
) -> impl FnOnce() -> Outcome + Send + 'static {
    move || {
        let outcome = inner.convert(job, asked, Instant::now(), Location::Worker);
        inner.account(&outcome);
        outcome
    }
}

/// The response to a request that [`try_process_single`](ConcurrentProcessorV2::try_process_single)
/// accepted.
#[must_use = "dropping it cancels the document"]
pub struct Processing {
    answer: Answer,
    id: String,
    _in_flight: InFlight,
}

enum Answer {
    /// The document was not accepted.
    Known(future::Ready<Outcome>),
    Awaited {
        deferred: AbortOnDrop<Outcome>,
        asked: Instant,
        counts: Arc<dyn CountUnconverted>,
    },
}

/// An [`Inner`] of any converter.
trait CountUnconverted: Send + Sync {
    fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome;
}

impl<C: Converter> CountUnconverted for Inner<C> {
    fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        Inner::unconverted(self, error, asked)
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
