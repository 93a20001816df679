//! The future of a conversion.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::convert::Converter;
use crate::error::RejectReason;
use crate::pool::Permit;
use crate::processor::{
    ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DefaultConverter, InFlight, Opened,
    Outcome, ProcessError, Way,
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
    under_way: Option<InFlight>,
}

enum Stage {
    /// Until the first poll.
    New(ConversionRequest, Admission, Option<Permit>),
    /// The runtime comes first.
    Yields(Opened, Admission, Option<Permit>),
    /// And whether it had to wait for its tenant's turn.
    Shipped(Placed<Outcome>, bool),
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
        Self { processor, stage, id: String::new(), under_way: None }
    }

    /// Converts the document here, if that is its way; else it is on its way to a worker.
    fn proceed(
        &mut self,
        opened: Opened,
        admission: Admission,
        permit: Option<Permit>,
    ) -> Poll<<Self as Future>::Output> {
        let processor = &self.processor;
        self.stage = match processor.proceed(opened) {
            Way::Answered(outcome) => return Poll::Ready(self.answer(outcome)),
            Way::TenantFull(arrived) if admission == Admission::Shed => {
                return Poll::Ready(Err(processor.refuse(arrived).into()));
            }
            Way::TenantFull(arrived) => {
                // Its turn may be long in coming: the place is for others.
                drop(permit);
                Stage::Shipped(Placed::new(processor.stand_in_line(arrived), admission), true)
            }
            Way::Ship(shipment) => {
                let (pool, task) = (processor.pool(), shipment.task(processor.pool()));
                let work = |shipment| processor.work(shipment);
                Stage::Shipped(submit(pool, task, (admission, permit), shipment, work), false)
            }
        };
        Poll::Pending
    }

    fn not_converted(&self, error: ServiceError, of_tenant: bool) -> ServiceError {
        match &error {
            ServiceError::DeadlineExceeded => self.processor.count_unconverted(ProcessError::Expired),
            ServiceError::ShuttingDown => self.processor.count_unconverted(ProcessError::Closed),
            ServiceError::Overloaded { rejection, .. }
                if of_tenant && rejection.reason == RejectReason::TenantLimit =>
            {
                return self.processor.tenant_full().into();
            }
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
                let (id, under_way, opened) = self.processor.open_request(request);
                (self.id, self.under_way) = (id, Some(under_way));
                match opened {
                    Err(outcome) => return Poll::Ready(self.answer(outcome)),
                    Ok(opened) if opened.yields() => {
                        self.stage = Stage::Yields(opened, admission, permit);
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Ok(opened) => self.proceed(opened, admission, permit),
                }
            }
            Stage::Yields(mut opened, admission, permit) => {
                opened.begins_now();
                self.proceed(opened, admission, permit)
            }
            shipped => {
                self.stage = shipped;
                Poll::Pending
            }
        };
        if proceeded.is_ready() {
            return proceeded;
        }
        let Stage::Shipped(placed, of_tenant) = &mut self.stage else {
            panic!("`ConversionFuture` was polled after it was ready");
        };
        let (result, of_tenant) = (ready!(placed.poll(cx)), *of_tenant);
        self.stage = Stage::Over;
        Poll::Ready(match result {
            Ok(outcome) => self.answer(outcome),
            Err(error) => Err(self.not_converted(error, of_tenant)),
        })
    }
}

impl<C: Converter> Future for ConversionFuture<C> {
    type Output = Result<ConversionResponse, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.poll_answer(cx));
        self.under_way = None;
        Poll::Ready(answer)
    }
}
