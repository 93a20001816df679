//! The future of a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::service::error::ServiceError;
use crate::service::placed::Placed;

/// The response of a [`CpuService`](super::CpuService). Dropping it cancels what has not begun.
#[must_use = "dropping it cancels the call"]
pub struct CpuFuture<T: 'static>(Placed<T>);

impl<T: 'static> CpuFuture<T> {
    pub(super) fn new(placed: Placed<T>) -> Self {
        Self(placed)
    }
}

impl<T: 'static> fmt::Debug for CpuFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CpuFuture").field(&self.0).finish()
    }
}

impl<T: 'static> Future for CpuFuture<T> {
    type Output = Result<T, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}
