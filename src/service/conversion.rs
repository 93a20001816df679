//! The processor as a service.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tower_service::Service;

use super::admission::{Admission, Unclassified};
use super::entrance::{Entrance, Placed, submit};
use super::error::ServiceError;
use crate::convert::Converter;
use crate::pool::Permit;
use crate::processor::{
    Checked, ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DefaultConverter, InFlight,
    Outcome, ProcessError,
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        ConversionFuture {
            processor: self.processor.clone(),
            admission: self.entrance.admission,
            permit: self.entrance.take_permit(),
            state: State::New(request),
            id: String::new(),
            in_flight: None,
        }
    }
}

/// The response of a [`ConversionService`]. Dropping it cancels a document that has not started.
#[must_use = "dropping it cancels the document"]
pub struct ConversionFuture<C = DefaultConverter> {
    processor: ConcurrentProcessorV2<C>,
    admission: Admission,
    permit: Option<Permit>,
    state: State,
    id: String,
    /// Counts the document from the first poll to the answer.
    in_flight: Option<InFlight>,
}

enum State {
    /// Until the first poll.
    New(ConversionRequest),
    /// To be converted here or submitted; it may have yielded to the runtime first.
    Checked(Checked),
    Submitted(Placed<Outcome>),
    Over,
}

impl<C> fmt::Debug for ConversionFuture<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversionFuture").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<C: Converter> ConversionFuture<C> {
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, ServiceError>> {
        loop {
            match mem::replace(&mut self.state, State::Over) {
                State::New(request) => {
                    let (id, in_flight, checked) = self.processor.check_request(request);
                    (self.id, self.in_flight) = (id, Some(in_flight));
                    let checked = match checked {
                        Ok(checked) => checked,
                        Err(outcome) => return Poll::Ready(Ok(outcome)),
                    };
                    let yields = checked.yields();
                    self.state = State::Checked(checked);
                    if yields {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                State::Checked(checked) => match self.processor.convert_here(checked) {
                    Break(outcome) => return Poll::Ready(Ok(outcome)),
                    Continue(checked) => {
                        let (options, work) = self.processor.prepare(checked);
                        let admission = (self.admission, self.permit.take());
                        let placed = submit(self.processor.pool(), options, admission, work, |work| work);
                        self.state = State::Submitted(placed);
                    }
                },
                State::Submitted(mut placed) => {
                    let result = placed.poll(cx);
                    if result.is_pending() {
                        self.state = State::Submitted(placed);
                    }
                    return result;
                }
                State::Over => panic!("`ConversionFuture` was polled after it was ready"),
            }
        }
    }
}

impl<C: Converter> Future for ConversionFuture<C> {
    type Output = Result<ConversionResponse, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_outcome(cx));
        let in_flight = self.in_flight.take();
        self.permit = None;
        let response = result.map(|outcome| outcome.named(mem::take(&mut self.id)));
        let not_converted = match &response {
            Err(ServiceError::DeadlineExceeded) => Some(ProcessError::Expired),
            Err(ServiceError::ShuttingDown) => Some(ProcessError::Closed),
            _ => None,
        };
        if let Some((in_flight, why)) = in_flight.zip(not_converted) {
            in_flight.unconverted(why, Instant::now());
        }
        Poll::Ready(response.and_then(|response| match response.result {
            Err(ProcessError::Closed | ProcessError::Cancelled) => Err(ServiceError::ShuttingDown),
            Err(ProcessError::Expired) => Err(ServiceError::DeadlineExceeded),
            Err(ProcessError::Rejected(rejection)) => Err(rejection.into()),
            _ => Ok(response),
        }))
    }
}
