//! The future of a conversion.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::convert::Converter;
use crate::pool::Permit;
use crate::processor::{
    Checked, ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DefaultConverter, InFlight,
    Outcome, ProcessError, Route,
};
use crate::service::admission::Admission;
use crate::service::entrance::submit;
use crate::service::error::ServiceError;
use crate::service::placed::Placed;

/// The response of a [`ConversionService`](super::ConversionService). Dropping it cancels what has not begun.
#[must_use = "dropping it cancels the document"]
pub struct ConversionFuture<C = DefaultConverter> {
    processor: ConcurrentProcessorV2<C>,
    stage: Stage,
    id: String,
    /// From the first poll to the answer.
    in_flight: Option<InFlight>,
}

enum Stage {
    /// Until the first poll.
    New(ConversionRequest, Admission, Option<Permit>),
    /// The runtime comes first.
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
        let stage = Stage::New(request, admission, permit);
        Self { processor, stage, id: String::new(), in_flight: None }
    }

    /// Converts the document here, if that is its route; else submits it.
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
        self.stage = Stage::Submitted(placed);
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
        let proceeded = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(request, admission, permit) => {
                let (id, in_flight, checked) = self.processor.check_request(request);
                (self.id, self.in_flight) = (id, Some(in_flight));
                match checked {
                    Err(outcome) => return Poll::Ready(self.answer(outcome)),
                    Ok(checked) if checked.yields() => {
                        self.stage = Stage::Yields(checked, admission, permit);
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Ok(checked) => self.proceed(checked, admission, permit),
                }
            }
            Stage::Yields(mut checked, admission, permit) => {
                checked.start_now();
                self.proceed(checked, admission, permit)
            }
            submitted => {
                self.stage = submitted;
                Poll::Pending
            }
        };
        if proceeded.is_ready() {
            return proceeded;
        }
        let Stage::Submitted(placed) = &mut self.stage else {
            panic!("`ConversionFuture` was polled after it was ready");
        };
        let result = ready!(placed.poll(cx));
        self.stage = Stage::Over;
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
