//! Many documents at once.

use std::convert::Infallible;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::dispatch::{BatchProgress, Groups, Start, Started, poll_in_order};
use super::inner::Inner;
use super::request::Outcome;
use super::yield_budget::{BatchTimer, CHECKS, MOVES, YieldBudget};
use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError};
use crate::contain::contain;
use crate::convert::Converter;
use crate::error::JoinError;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts documents. The answers are in the order of the requests. A failure is one answer
    /// and affects no other.
    ///
    /// Small documents share tasks of about `coalesce_target`. When the configuration's
    /// `batch_timeout` has passed, the answer for a document that is not done is
    /// [`ProcessError::TimedOut`], and the document is cancelled. Finished answers are kept. The
    /// limits of tenants hold: a task has documents of one tenant only, and counts once.
    ///
    /// A task of the same pool may wait for a batch, as for
    /// [`run`](crate::AdaptiveThreadPool::run). If every worker waits, each poll runs one task of
    /// the batch, and the timeout is checked in between.
    ///
    /// A batch of more than some hundred documents yields to the runtime now and then, and must be
    /// polled until all of it is queued.
    ///
    /// # Cancel safety
    /// Dropping the future cancels documents that have not started: their bytes are dropped and
    /// their places are free before `drop` returns. Running tasks stop after the current document.
    ///
    /// # Panics
    /// With a `batch_timeout` (other than `Duration::MAX`) outside of a Tokio runtime that has its
    /// timer enabled.
    pub async fn process_batch(&self, requests: Vec<ConversionRequest>) -> Vec<ConversionResponse> {
        self.batch(requests).run().await
    }

    /// As [`process_batch`](Self::process_batch), as a value whose progress can be watched. Nothing
    /// starts before it is awaited.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest};
    ///
    /// let processor = ConcurrentProcessorV2::new();
    /// let mut batch = processor.batch(vec![ConversionRequest::new("a", "# A"), ConversionRequest::new("b", "# B")]);
    /// let mut progress = batch.progress();
    /// let watcher = tokio::spawn(async move {
    ///     while progress.changed().await.is_ok() {
    ///         let now = *progress.borrow_and_update();
    ///         eprintln!("{} of {}", now.done, now.total);
    ///     }
    /// });
    /// assert_eq!(batch.await.len(), 2);
    /// watcher.await?; // the channel is closed at the end of the batch
    /// # Ok(()) }
    /// # #[cfg(not(feature = "documents"))] fn main() {}
    /// ```
    pub fn batch(&self, requests: Vec<ConversionRequest>) -> Batch<C> {
        let timeout = self.inner.config.batch_timeout;
        Batch { processor: self.clone(), requests, timeout, progress: None }
    }
}

/// Documents to be converted together; see [`ConcurrentProcessorV2::batch`].
#[must_use = "a batch does nothing unless awaited"]
pub struct Batch<C> {
    processor: ConcurrentProcessorV2<C>,
    requests: Vec<ConversionRequest>,
    timeout: Duration,
    progress: Option<Arc<watch::Sender<BatchProgress>>>,
}

impl<C> std::fmt::Debug for Batch<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl<C: Converter> Batch<C> {
    /// Sets another timeout than the configuration's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns a receiver of the progress. The channel is closed when the batch is over.
    pub fn progress(&mut self) -> watch::Receiver<BatchProgress> {
        let total = self.requests.len();
        let start = || Arc::new(watch::Sender::new(BatchProgress { total, ..BatchProgress::default() }));
        self.progress.get_or_insert_with(start).subscribe()
    }

    async fn run(self) -> Vec<ConversionResponse> {
        let Self { processor, requests, timeout, progress } = self;
        let mut timer = BatchTimer::new(timeout);
        let _in_flight = processor.inner.tally.enter();
        let asked = Instant::now();
        let (alive, over) = oneshot::channel();
        let start = Start::new(&processor, requests.len(), asked, progress.clone(), alive);
        let mut batch = Collected::new(&processor.inner, asked, timeout, requests.len());
        let (mut groups, timed_out) = batch.submit(requests, start, &mut timer).await;
        if let Some(progress) = progress {
            // Done while the workers are busy.
            let refused = batch.answers.iter().flatten();
            refused.for_each(|_| progress.send_modify(|progress| progress.count(true, 0)));
        }
        let timed_out = timed_out || !until_over(&processor, &mut groups.0, over, &mut timer).await;
        if timed_out {
            groups.cancel();
        }
        // From here on the timeout does not matter: finished documents are answered.
        batch.collect(std::mem::take(&mut groups.0), timed_out, &mut timer).await;
        batch.into_responses(&mut timer).await
    }
}

/// The answers of a batch so far.
struct Collected<'b, C> {
    inner: &'b Inner<C>,
    asked: Instant,
    timeout: Duration,
    ids: Vec<String>,
    /// At first those of documents that were not accepted.
    answers: Vec<Option<Outcome>>,
}

impl<'b, C: Converter> Collected<'b, C> {
    fn new(inner: &'b Inner<C>, asked: Instant, timeout: Duration, documents: usize) -> Self {
        let (ids, answers) = (Vec::with_capacity(documents), Vec::with_capacity(documents));
        Self { inner, asked, timeout, ids, answers }
    }

    /// Checks the requests and submits them. Returns whether the timeout passed before the last was
    /// submitted.
    async fn submit(
        &mut self,
        requests: Vec<ConversionRequest>,
        mut start: Start<'_, C>,
        timer: &mut BatchTimer,
    ) -> (Groups, bool) {
        let (mut timed_out, mut budget) = (false, YieldBudget::new(CHECKS));
        for (position, request) in requests.into_iter().enumerate() {
            if budget.spend(1) {
                timed_out = timer.yield_now().await;
            }
            let task = self.inner.task_options(&request, &request.content);
            let (id, job) = request.into_parts();
            self.ids.push(id);
            let refused = self.inner.check_size(&job.content).err();
            self.answers.push(match refused {
                Some(error) => Some(self.inner.tally.refused(error, job.content, self.asked)),
                None => {
                    if timed_out {
                        contain(|| drop(job));
                    } else {
                        start.add(position, job, task);
                    }
                    None
                }
            });
        }
        if timed_out {
            return (Groups(Vec::new()), true);
        }
        start.submit(timer).await
    }

    /// Takes the answers of all groups.
    async fn collect(&mut self, groups: Vec<Started>, timed_out: bool, timer: &mut BatchTimer) {
        let (tally, asked, after) = (&self.inner.tally, self.asked, self.timeout);
        let mut budget = YieldBudget::new(MOVES);
        for mut group in groups {
            if budget.spend(group.members.len()) {
                timer.yield_now().await;
            }
            let ended = if timed_out { None } else { group.over().await };
            for (position, outcome) in group.fetch() {
                self.answers[position] = Some(outcome);
            }
            let why = || if timed_out { ProcessError::TimedOut { after } } else { not_run(ended.as_ref()) };
            for &position in &group.members {
                self.answers[position].get_or_insert_with(|| tally.unconverted(why(), asked));
            }
        }
    }

    async fn into_responses(self, timer: &mut BatchTimer) -> Vec<ConversionResponse> {
        let Self { inner, asked, timeout, ids, answers } = self;
        let mut budget = YieldBudget::new(MOVES);
        let mut responses = Vec::with_capacity(ids.len());
        for (id, answer) in ids.into_iter().zip(answers) {
            if budget.spend(1) {
                timer.yield_now().await;
            }
            // Documents in no group: the timeout passed before they were queued.
            let late = || inner.tally.unconverted(ProcessError::TimedOut { after: timeout }, asked);
            responses.push(answer.unwrap_or_else(late).named(id));
        }
        responses
    }
}

/// Why documents of a group have no answer, whose task has ended.
fn not_run(ended: Option<&JoinError>) -> ProcessError {
    match ended {
        Some(JoinError::Closed) => ProcessError::Closed,
        Some(JoinError::Expired) => ProcessError::Expired,
        Some(JoinError::Rejected(rejection)) => ProcessError::Rejected(**rejection),
        // It was cancelled, or asked to stop between two documents.
        _ => ProcessError::Cancelled,
    }
}

impl<C: Converter> IntoFuture for Batch<C> {
    type Output = Vec<ConversionResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Waits until no group can still run; false if the timeout passes first. There is one wake-up for
/// the whole batch.
async fn until_over<C: Converter>(
    processor: &ConcurrentProcessorV2<C>,
    groups: &mut [Started],
    mut over: oneshot::Receiver<Infallible>,
    timer: &mut BatchTimer,
) -> bool {
    let mut seen = 0;
    poll_fn(|cx| {
        if Pin::new(&mut over).poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        if timer.has_passed(cx) {
            return Poll::Ready(false);
        }
        // A worker that waits may have to do the work itself. It does one group for each poll, so
        // that the timeout is checked in between.
        if processor.pool.is_here() && poll_in_order(groups, &mut seen, cx) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}
