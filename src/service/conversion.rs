//! The processor as a service.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tower_service::Service;

use super::admission::{Admission, Unclassified};
use super::entrance::{Entrance, submit};
use super::error::ServiceError;
use super::placed::Placed;
use crate::convert::Converter;
use crate::pool::Permit;
use crate::processor::{
    Checked, ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DefaultConverter, InFlight,
    Outcome, ProcessError, Route,
};

/// A [`ConcurrentProcessorV2`] as a [`Service`]: one document a call, as by
/// [`process_single`](ConcurrentProcessorV2::process_single). Its tenant, class and deadline are in
/// the request itself.
///
/// A short document may be converted on the caller's thread, with any [`Admission`]: it needs no
/// place. For other documents the admission says what happens while the pool has no place, or the
/// tenant has its share of the places
/// ([`tenant_queue_share`](crate::PoolConfig::tenant_queue_share)). By default the service is [not
/// ready](Admission::Backpressure) while the pool has none. A tenant that has its share waits
/// within the future, and leaves the place to others. A document that has its place waits there
/// while as many tasks of its tenant run as may.
///
/// # Errors
/// [`ServiceError`]: the document was refused, its deadline passed, or the pool was shut down. An
/// error in the document itself is in the response: [`ConversionResponse::result`].
///
/// # Cancel safety
/// As [`process_single`](ConcurrentProcessorV2::process_single).
///
/// ```
/// # #[cfg(feature = "documents")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::service::ConversionService;
/// use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
/// use tower::{Service, ServiceExt};
///
/// let mut service = ConversionService::new(ConcurrentProcessorV2::new());
/// let request = ConversionRequest::new("greeting", "Hello *pond*").with_to(Format::Html);
/// let response = service.ready().await?.call(request).await?;
/// assert_eq!(response.result?, "<p>Hello <em>pond</em></p>\n");
/// # Ok(()) }
/// # #[cfg(not(feature = "documents"))] fn main() {}
/// ```
pub struct ConversionService<C = DefaultConverter> {
    processor: ConcurrentProcessorV2<C>,
    entrance: Entrance,
}

impl<C> Clone for ConversionService<C> {
    fn clone(&self) -> Self {
        Self { processor: self.processor.clone(), entrance: self.entrance.clone() }
    }
}

impl<C> fmt::Debug for ConversionService<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversionService").field("entrance", &self.entrance).finish_non_exhaustive()
    }
}

impl<C: Converter> ConversionService<C> {
    /// The service of this processor.
    pub fn new(processor: ConcurrentProcessorV2<C>) -> Self {
        let entrance = Entrance::new(processor.pool().clone(), Admission::Backpressure, Unclassified);
        Self { processor, entrance }
    }

    /// Sets what happens to a document while the pool has no place.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.entrance.admission = admission;
        self
    }

    /// The processor.
    #[must_use]
    pub fn processor(&self) -> &ConcurrentProcessorV2<C> {
        &self.processor
    }
}

impl<C: Converter> Service<ConversionRequest> for ConversionService<C> {
    type Response = ConversionResponse;
    type Error = ServiceError;
    type Future = ConversionFuture<C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.entrance.poll_ready(cx)
    }

    fn call(&mut self, request: ConversionRequest) -> Self::Future {
        let permit = self.entrance.take_permit();
        ConversionFuture::new(self.processor.clone(), request, (self.entrance.admission, permit))
    }
}

/// The response of a [`ConversionService`]. Dropping it cancels a document that has not started.
#[must_use = "dropping it cancels the document"]
pub struct ConversionFuture<C = DefaultConverter> {
    processor: ConcurrentProcessorV2<C>,
    state: State,
    id: String,
    /// Counts the document from the first poll to the answer.
    in_flight: Option<InFlight>,
}

enum State {
    /// Until the first poll.
    New(ConversionRequest, Admission, Option<Permit>),
    /// After the first poll, which yields to the runtime.
    Yields(Checked, Admission, Option<Permit>),
    Submitted(Placed<Outcome>),
    Over,
}

impl<C> fmt::Debug for ConversionFuture<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversionFuture").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<C: Converter> ConversionFuture<C> {
    pub(super) fn new(
        processor: ConcurrentProcessorV2<C>,
        request: ConversionRequest,
        (admission, permit): (Admission, Option<Permit>),
    ) -> Self {
        let state = State::New(request, admission, permit);
        Self { processor, state, id: String::new(), in_flight: None }
    }

    /// Converts the document here, if that was decided; otherwise submits it.
    fn proceed(
        &mut self,
        checked: Checked,
        admission: Admission,
        permit: Option<Permit>,
    ) -> Poll<<Self as Future>::Output> {
        let processor = &self.processor;
        let submission = match processor.route(checked) {
            Route::Answered(outcome) => return Poll::Ready(self.answer(outcome)),
            Route::Submit(submission) => submission,
        };
        let (task, work) = processor.prepare(submission);
        let placed = submit(processor.pool(), task, (admission, permit), work, |work| work);
        self.state = State::Submitted(placed);
        Poll::Pending
    }

    fn not_converted(&self, error: ServiceError) -> ServiceError {
        match &error {
            ServiceError::DeadlineExceeded => self.processor.count_unconverted(ProcessError::Expired),
            ServiceError::ShuttingDown => self.processor.count_unconverted(ProcessError::Closed),
            _ => {}
        }
        error
    }

    fn answer(&mut self, outcome: Outcome) -> Result<ConversionResponse, ServiceError> {
        let response = outcome.named(mem::take(&mut self.id));
        match response.result {
            Err(ProcessError::Closed | ProcessError::Cancelled) => Err(ServiceError::ShuttingDown),
            Err(ProcessError::Expired) => Err(ServiceError::DeadlineExceeded),
            Err(ProcessError::Rejected(rejection)) => Err(rejection.into()),
            _ => Ok(response),
        }
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<<Self as Future>::Output> {
        let proceeded = match mem::replace(&mut self.state, State::Over) {
            State::New(request, admission, permit) => {
                let (id, in_flight, checked) = self.processor.check_request(request);
                (self.id, self.in_flight) = (id, Some(in_flight));
                match checked {
                    Err(outcome) => return Poll::Ready(self.answer(outcome)),
                    Ok(checked) if checked.yields() => {
                        self.state = State::Yields(checked, admission, permit);
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Ok(checked) => self.proceed(checked, admission, permit),
                }
            }
            State::Yields(mut checked, admission, permit) => {
                checked.start_now();
                self.proceed(checked, admission, permit)
            }
            submitted => {
                self.state = submitted;
                Poll::Pending
            }
        };
        if proceeded.is_ready() {
            return proceeded;
        }
        let State::Submitted(placed) = &mut self.state else {
            panic!("`ConversionFuture` was polled after it was ready");
        };
        let result = ready!(placed.poll(cx));
        self.state = State::Over;
        Poll::Ready(match result {
            Ok(outcome) => self.answer(outcome),
            Err(error) => Err(self.not_converted(error)),
        })
    }
}

impl<C: Converter> Future for ConversionFuture<C> {
    type Output = Result<ConversionResponse, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.poll_answer(cx));
        self.in_flight = None;
        Poll::Ready(answer)
    }
}
