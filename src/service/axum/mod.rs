//! Services in axum: refusals as responses, and the tenant of a request. With the feature `axum`.
//!
//! - [`OffloadLayer::responding`](super::OffloadLayer::responding) is the layer for a `Router`;
//!   [`Respond`] does the same for any service whose error is a
//!   [`ServiceError`](super::ServiceError).
//! - The crate's errors are responses ([`Problem`]), and so is a
//!   [`ConversionResponse`](crate::ConversionResponse), so that handlers may return them.
//! - [`TenantLayer`] and the extractor [`Tenant`] find the tenant of a request.

mod problem;
mod respond;
mod tenant;

pub use problem::Problem;
pub use respond::{DEFAULT_WAIT, Respond, RespondFuture, RespondLayer};
pub use tenant::{
    IdentifyTenant, InvalidTenant, Tenant, TenantFuture, TenantHeader, TenantLayer, TenantService,
    tenant_options,
};
