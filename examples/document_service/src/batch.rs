//! `POST /batch`: many documents as a JSON array, and an answer for each, in their order (decision 0031).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mediatype::{MediaType, names};
use millpond::Format;
use millpond::service::axum::Problem;
use serde::{Serialize, Serializer};

use super::engine::Converted;
use super::items::read;
use super::media::{media_type, type_of_body, unsupported};
use super::portions::convert_all;
use super::refusal::Refusal;
use super::service::{Service, turn};

/// The type of a batch.
const JSON: MediaType<'static> = MediaType::new(names::APPLICATION, names::JSON);

/// The code of that problem.
const TOO_MANY: &str = "too-many-batches";

/// What became of it.
#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    status: u16,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Converted {
        content_type: &'static str,
        #[serde(serialize_with = "text")]
        content: Bytes,
    },
    Failed {
        code: &'static str,
        detail: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// All that the service writes is UTF-8.
fn text<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

/// JSON is read and written by the engine, too: a long batch would hold up the runtime for as long as a long document.
pub(crate) async fn batch(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let media_type = type_of_body(&headers)?;
    if !media_type.is_some_and(|media_type| media_type.essence() == JSON) {
        return Err(unsupported("a batch is application/json", "application/json"));
    }
    service.engine.has_room()?;
    let first = turn(&service.batches, TOO_MANY)?;
    let (upload, kept) = service.uploads.read_in_turn(body, service.limits.max_batch, first).await?;
    let _turn = match kept {
        Some(turn) => turn,
        None => turn(&service.batches, TOO_MANY)?,
    };
    let accepted = service.ledger.accept();
    let answered = answer(&service, upload.bytes.clone()).await;
    accepted.answered();
    let mut response = answered?.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn answer(service: &Service, body: Bytes) -> Result<Vec<u8>, Problem> {
    let (most, length) = (service.limits.max_batch_documents, service.limits.max_batch_output);
    let deadline = service.engine.deadline();
    let items = service.engine.compute(Some(deadline), move || read(&body, most)).await??;
    let (mut ids, mut documents) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
    for (id, document) in items {
        let expected = document.map(|document| {
            let to = document.conversion.to;
            documents.push(document);
            to
        });
        ids.push((id, expected));
    }
    let mut converted = convert_all(&service.engine, documents, length, deadline).await.into_iter();
    let answers = ids.into_iter().map(move |(id, expected)| match expected {
        Ok(to) => Answer::new(id, to, converted.next().unwrap_or_else(|| Err(lost()))),
        Err(problem) => Answer::failed(id, problem),
    });
    let answers: Vec<Answer> = answers.collect();
    // What is done is not thrown away because it is late.
    service.engine.compute(None, move || serde_json::to_vec(&answers)).await?.map_err(|_| lost())
}

impl Answer {
    fn new(id: String, to: Format, converted: Converted) -> Self {
        match converted {
            Ok(content) => {
                let outcome = Outcome::Converted { content_type: media_type(to), content };
                Self { id, status: StatusCode::OK.as_u16(), outcome }
            }
            Err(problem) => Self::failed(id, problem),
        }
    }

    fn failed(id: String, problem: Problem) -> Self {
        let Problem { status, code, detail, retry_after, .. } = problem;
        let retry_after_ms = retry_after.and_then(|after| u64::try_from(after.as_millis()).ok());
        let outcome = Outcome::Failed { code, detail: detail.into_owned(), retry_after_ms };
        Self { id, status: status.as_u16(), outcome }
    }
}

fn lost() -> Problem {
    let detail = "the answer could not be written";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unwritable", detail)
}
