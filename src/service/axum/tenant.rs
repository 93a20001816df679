//! The tenant of a request: its name, how it is found out, and the layer that does so.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::request::{Parts, Request};
use http::{HeaderName, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::Problem;
use crate::task::TaskOptions;

/// The checked name of a tenant: 1 to 128 ASCII letters, digits, or any of `-_.:@`. Such a name is
/// safe in logs, in the labels of metrics and in headers. A clone shares it.
///
/// As an extractor it is the tenant that [`TenantLayer`] found. A request without a tenant is
/// refused (400); an `Option<Tenant>` is `None` then.
///
/// ```
/// use millpond::service::axum::{InvalidTenant, Tenant};
///
/// assert_eq!(Tenant::new("acme").unwrap().as_str(), "acme");
/// assert_eq!(Tenant::new("a b"), Err(InvalidTenant::Character { position: 1 }));
/// assert_eq!(Tenant::new(&"a".repeat(129)), Err(InvalidTenant::TooLong { length: 129 }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

/// Why a name is not accepted. The error does not contain the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTenant {
    /// It is empty.
    #[error("the tenant's name is empty")]
    Empty,
    /// It has more than [`Tenant::LONGEST`] bytes.
    #[error("the tenant's name has {length} bytes, but {} are accepted", Tenant::LONGEST)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It has a character that is not accepted.
    #[error("the tenant's name has a character that is not accepted at byte {position}")]
    Character {
        /// Its position in bytes.
        position: usize,
    },
}

impl Tenant {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 128;

    /// The tenant of this name.
    ///
    /// # Errors
    /// It is too long, or has other characters than are accepted.
    pub fn new(name: &str) -> Result<Self, InvalidTenant> {
        Self::from_bytes(name.as_bytes())
    }

    fn from_bytes(name: &[u8]) -> Result<Self, InvalidTenant> {
        let accepted = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(byte);
        if name.is_empty() {
            return Err(InvalidTenant::Empty);
        }
        if name.len() > Self::LONGEST {
            return Err(InvalidTenant::TooLong { length: name.len() });
        }
        match (name.iter().position(|byte| !accepted(byte)), std::str::from_utf8(name)) {
            (None, Ok(name)) => Ok(Self(Arc::from(name))),
            (position, _) => Err(InvalidTenant::Character { position: position.unwrap_or(0) }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Tenant {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Tenant> for Arc<str> {
    fn from(tenant: Tenant) -> Self {
        tenant.0
    }
}

impl From<InvalidTenant> for Problem {
    fn from(error: InvalidTenant) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "tenant-invalid", error.to_string())
    }
}

/// A [`Problem`], 400.
impl IntoResponse for InvalidTenant {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

fn missing() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "tenant-missing", "the request names no tenant")
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Tenant {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The [`TaskOptions`] of a request whose tenant a [`TenantLayer`] found; for
/// [`OffloadLayer::classify`](crate::service::OffloadLayer::classify).
pub fn tenant_options<B>(request: &http::Request<B>) -> TaskOptions {
    match request.extensions().get::<Tenant>() {
        Some(tenant) => TaskOptions::new().tenant(tenant.clone()),
        None => TaskOptions::new(),
    }
}

/// Finds the tenant of a request in its head; implemented by every `Fn(&Parts) ->
/// Result<Option<Tenant>, Problem>`.
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

/// The tenant is the value of this header. A request with several such headers is refused, because
/// a gateway may have checked only one.
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

/// Finds the tenant of a request and adds the [`Tenant`] to its extensions, where the extractor and
/// [`tenant_options`] find it. Put it outside of the layer that uses it.
///
/// # Whom to believe
/// A tenant's name decides on shares and limits. A client who can choose it takes another tenant's
/// share, or gets a new share with every request. So the header of [`header`](Self::header) must
/// come from a gateway that sets it *and removes the client's own*. Without one, use
/// [`by`](Self::by), and take the name from what has authenticated the client (a verified token, a
/// client certificate), which an outer layer has added to the request's extensions. The pool keeps
/// accounts of tenants with work, and of at most 1,024 others, so the number of names does not fill
/// the memory; but each name has a share of its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// Takes the tenant from this header, which only your own gateway may set.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self { by: TenantHeader(name), required: false }
    }
}

impl<I: IdentifyTenant> TenantLayer<I> {
    /// Takes the tenant from a function of the request's head.
    pub fn by(identify: I) -> Self {
        Self { by: identify, required: false }
    }

    /// Refuses requests without a tenant (400). Otherwise they are one tenant together.
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
