//! `POST /convert`: one document, whole.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, EXPECT, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::engine::Document;
use super::media::Asked;
use super::refusal::Refusal;
use super::service::Service;

/// First what costs nothing to know, then the body, then the engine: whoever sends slowly has no place in its queue.
pub(crate) async fn convert(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let Asked { conversion, media_type } = Asked::by(&headers)?;
    if let Err(full) = service.engine.has_room() {
        if !headers.contains_key(EXPECT) {
            service.uploads.discard(body).await;
        }
        return Err(full.into());
    }
    let upload = service.uploads.read(body, service.limits.max_document).await?;
    let accepted = service.ledger.accept();
    let document = Document { content: upload.bytes.clone(), conversion };
    let converted = service.engine.convert(document).await;
    accepted.answered();
    Ok((head(media_type), converted?).into_response())
}

/// The headers of a converted document. Browsers are told not to guess another type, caches that the answer is not everybody's.
pub(crate) fn head(media_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
}
