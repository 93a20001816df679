//! Finds out whose a request is, before anything is done for it.

use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::request::{Parts, Request};
use http::{HeaderName, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::Problem;
use super::tenant::{Tenant, missing};

/// Finds out whose a request is, by its head: every `Fn(&Parts) -> Result<Option<Tenant>, Problem>` does.
pub trait IdentifyTenant {
    /// The tenant; `None` if the request names none.
    ///
    /// # Errors
    /// The request is refused with this.
    fn identify(&self, parts: &Parts) -> Result<Option<Tenant>, Problem>;
}

impl<F: Fn(&Parts) -> Result<Option<Tenant>, Problem>> IdentifyTenant for F {
    fn identify(&self, parts: &Parts) -> Result<Option<Tenant>, Problem> {
        self(parts)
    }
}

/// The tenant is what this header says. More than one such header is refused: whoever checked the one may not have seen the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHeader(HeaderName);

impl IdentifyTenant for TenantHeader {
    fn identify(&self, parts: &Parts) -> Result<Option<Tenant>, Problem> {
        let mut values = parts.headers.get_all(&self.0).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            let detail = "the request names more than one tenant";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "tenant-ambiguous", detail));
        }
        Ok(Some(Tenant::from_bytes(value.as_bytes())?))
    }
}

/// Finds out whose a request is and puts the [`Tenant`] into its extensions, where the extractor and
/// [`tenant_options`](super::tenant_options) find it. To be put outside of the layer that asks for it.
///
/// # Whom to believe
/// A tenant's name decides on shares and limits. A client who may choose it takes another tenant's share, or has a new one with every request. So
/// the header of [`header`](Self::header) has to come from a gateway that sets it *and removes what the client sent*; where there is none, use
/// [`by`](Self::by), and take the name from what has authenticated the client (a verified token, a client certificate), which a layer
/// further out has put into the request's extensions. The pool keeps accounts of tenants with work, and of at most 1,024 others, so names without end
/// fill no memory; but each of them has a share of its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, http::HeaderName, routing::get};
/// use millpond::AdaptiveThreadPool;
/// use millpond::service::OffloadLayer;
/// use millpond::service::axum::{Tenant, TenantLayer, tenant_options};
/// use tower::ServiceBuilder;
///
/// let layers = ServiceBuilder::new()
///     .layer(TenantLayer::header(HeaderName::from_static("x-tenant")).required())
///     .layer(OffloadLayer::new(AdaptiveThreadPool::new()).classify(tenant_options).responding());
/// let router: Router =
///     Router::new().route("/", get(async |tenant: Tenant| format!("hello, {tenant}"))).layer(layers);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TenantLayer<I = TenantHeader> {
    by: I,
    required: bool,
}

impl<I> fmt::Debug for TenantLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantLayer").field("required", &self.required).finish_non_exhaustive()
    }
}

impl TenantLayer {
    /// By this header, which only a gateway of yours may set.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self { by: TenantHeader(name), required: false }
    }
}

impl<I: IdentifyTenant> TenantLayer<I> {
    /// By a function of the request's head.
    pub fn by(identify: I) -> Self {
        Self { by: identify, required: false }
    }

    /// A request without a tenant is refused (400). Otherwise those who name none are one tenant together.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

impl<S, I: Clone> Layer<S> for TenantLayer<I> {
    type Service = TenantService<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        TenantService { inner, layer: self.clone() }
    }
}

/// The service that a [`TenantLayer`] makes.
#[derive(Debug, Clone)]
pub struct TenantService<S, I = TenantHeader> {
    inner: S,
    layer: TenantLayer<I>,
}

/// The future of a [`TenantService`].
pub type TenantFuture<F, R, E> = Either<Ready<Result<R, E>>, F>;

impl<B, S, I> Service<Request<B>> for TenantService<S, I>
where
    S: Service<Request<B>, Response = Response>,
    I: IdentifyTenant,
{
    type Response = Response;
    type Error = S::Error;
    type Future = TenantFuture<S::Future, Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let problem = match self.layer.by.identify(&parts) {
            Ok(Some(tenant)) => {
                parts.extensions.insert(tenant);
                None
            }
            Ok(None) => self.layer.required.then(missing),
            Err(problem) => Some(problem),
        };
        match problem {
            Some(problem) => Either::Left(ready(Ok(problem.into_response()))),
            None => Either::Right(self.inner.call(Request::from_parts(parts, body))),
        }
    }
}
