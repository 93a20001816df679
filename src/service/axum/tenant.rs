//! Whose a request is.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::Problem;
use crate::task::TaskOptions;

/// The name of a tenant, checked: 1 to 128 letters, digits, or any of `-_.:@`, all of them ASCII. Such a name is harmless in logs, in the
/// labels of metrics and in headers, and none looks like another. A clone shares it.
///
/// As an extractor it is what [`TenantLayer`](super::TenantLayer) has found out; a request without a tenant is refused (400). An
/// `Option<Tenant>` is `None` then.
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

/// Why a name is none of a tenant. It does not repeat the name.
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
        /// Where, in bytes.
        position: usize,
    },
}

impl Tenant {
    /// The most bytes that a name may have.
    pub const LONGEST: usize = 128;

    /// The tenant of this name.
    ///
    /// # Errors
    /// It is too long, or has other characters than are accepted.
    pub fn new(name: &str) -> Result<Self, InvalidTenant> {
        Self::from_bytes(name.as_bytes())
    }

    pub(super) fn from_bytes(name: &[u8]) -> Result<Self, InvalidTenant> {
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

pub(super) fn missing() -> Problem {
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

/// The [`TaskOptions`] of a request whose tenant a [`TenantLayer`](super::TenantLayer) has found out; for
/// [`OffloadLayer::classify`](crate::service::OffloadLayer::classify).
pub fn tenant_options<B>(request: &http::Request<B>) -> TaskOptions {
    match request.extensions().get::<Tenant>() {
        Some(tenant) => TaskOptions::new().tenant(tenant.clone()),
        None => TaskOptions::new(),
    }
}
