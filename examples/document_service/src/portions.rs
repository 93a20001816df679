//! The answers of a batch, together no longer than they may be.

use std::time::Instant;

use axum::http::StatusCode;
use millpond::service::axum::Problem;

use super::engine::{Converted, Document, Engine};

/// Converts documents, the answers in their order. At first each may have the same portion of `most` bytes, which is enough for
/// nearly all; those that need more are then converted once more, one by one, and may have what the others left.
pub(crate) async fn convert_all(
    engine: &Engine,
    documents: Vec<Document>,
    most: usize,
    deadline: Instant,
) -> Vec<Converted> {
    let portion = most / documents.len().max(1);
    let mut answers = engine.convert_all(documents.clone(), portion, deadline).await;
    if portion >= engine.max_output() {
        return answers;
    }
    let mut left = most - answers.iter().flatten().map(|answer| answer.len()).sum::<usize>();
    for (answer, document) in answers.iter_mut().zip(documents) {
        if !is_too_long(answer) {
            continue;
        }
        // They wait for a place, as all of a batch do.
        if let Some(again) = engine.convert_all(vec![document], left, deadline).await.pop() {
            *answer = again;
        }
        match answer {
            Ok(answer) => left -= answer.len(),
            Err(problem) if problem.code == TOO_LONG && left < engine.max_output() => {
                *problem = beyond(most);
            }
            Err(_) => {}
        }
    }
    answers
}

/// The code of a document whose result is too long.
const TOO_LONG: &str = "output-too-large";

fn is_too_long(answer: &Converted) -> bool {
    answer.as_ref().is_err_and(|problem| problem.code == TOO_LONG)
}

fn beyond(most: usize) -> Problem {
    let detail =
        format!("the results of this batch are longer than {most} bytes together: send fewer at a time");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "batch-output-too-large", detail)
}
