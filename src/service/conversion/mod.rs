//! The processor as a service.

mod future;

use std::fmt;
use std::task::{Context, Poll};

use tower_service::Service;

pub use future::ConversionFuture;

use super::admission::Admission;
use super::entrance::Entrance;
use super::error::ServiceError;
use crate::convert::Converter;
use crate::processor::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse, DefaultConverter};

/// A [`ConcurrentProcessorV2`] as a [`Service`]: one document a call, as by
/// [`process_single`](ConcurrentProcessorV2::process_single). Its tenant, class and deadline are in the request itself.
///
/// A short document is converted on the caller's thread, if that has the time, whatever [`Admission`] says: it needs no place. For the
/// others it says what happens while the pool has no place, or the tenant has its share of the
/// places ([`tenant_queue_share`](crate::PoolConfig::tenant_queue_share)). By default the service
/// is [not ready](Admission::Backpressure) while the pool has none; a tenant that has its share
/// waits within the future, and leaves the place to others. A document that has its place waits
/// there while as many tasks of its tenant run as may.
///
/// # Errors
/// [`ServiceError`]: the document was refused, or there was no time or no pool for it. What is wrong with the document itself is in the
/// response, as ever: [`ConversionResponse::result`].
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
        let entrance = Entrance::new(processor.pool().clone(), Admission::Backpressure, super::Unclassified);
        Self { processor, entrance }
    }

    /// What happens to a document for which there is no place.
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
