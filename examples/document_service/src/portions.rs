//! The answers of a batch, together no longer than they may be.

use std::io::{self, Write};
use std::time::Instant;

use axum::http::StatusCode;
use bytes::Bytes;
use millpond::service::axum::Problem;

use super::engine::{Converted, Document, Engine};

/// Most bytes that JSON makes of one byte of text: a control character is written as `\u0001`.
const MOST_ESCAPED: usize = 6;

/// Converts documents, the answers in their order. As JSON strings they take no more than `most`
/// bytes together. At first each may have the same portion, which is enough for nearly all. Those
/// that need more may have, one by one, what the others left; a conversion that the portion ended
/// is run again.
pub(crate) async fn convert_all(
    engine: &Engine,
    documents: Vec<Document>,
    most: usize,
    deadline: Instant,
) -> Vec<Converted> {
    let portion = most / documents.len().max(1);
    let mut answers = engine.convert_all(documents.clone(), portion, deadline).await;
    if answers.iter().all(|answer| is_surely_within(answer, portion)) {
        return answers;
    }
    let lengths = match escaped(engine, answers.iter().flatten().cloned().collect()).await {
        Ok(lengths) => lengths,
        Err(problem) => return answers.iter().map(|_| Err(problem.clone())).collect(),
    };
    let mut lengths = lengths.into_iter();
    let lengths: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().ok().and_then(|_| lengths.next())).collect();
    let mut left = most - lengths.iter().flatten().filter(|length| **length <= portion).sum::<usize>();
    for ((answer, document), length) in answers.iter_mut().zip(documents).zip(lengths) {
        match length {
            Some(length) if length <= portion => {}
            Some(length) if length <= left => left -= length,
            Some(_) => *answer = Err(beyond(most)),
            None if is_too_long(answer) => {
                left -= convert_again(engine, answer, document, left, most, deadline).await
            }
            None => {}
        }
    }
    answers
}

/// Converts one that was cut short, and returns what it takes of what is `left`.
async fn convert_again(
    engine: &Engine,
    answer: &mut Converted,
    document: Document,
    left: usize,
    most: usize,
    deadline: Instant,
) -> usize {
    // It waits for a place, as all of a batch do.
    if let Some(again) = engine.convert_all(vec![document], left, deadline).await.pop() {
        *answer = again;
    }
    let length = match answer {
        Ok(content) => escaped(engine, vec![content.clone()]).await,
        Err(problem) => {
            if problem.code == TOO_LONG && left < engine.max_output() {
                *problem = beyond(most);
            }
            return 0;
        }
    };
    match length.map(|lengths| lengths.iter().sum()) {
        Ok(length) if length <= left => return length,
        Ok(_) => *answer = Err(beyond(most)),
        Err(problem) => *answer = Err(problem),
    }
    0
}

/// Whether the answer fits its portion however it is escaped.
fn is_surely_within(answer: &Converted, portion: usize) -> bool {
    match answer {
        Ok(content) => content.len() <= portion / MOST_ESCAPED,
        Err(_) => !is_too_long(answer),
    }
}

/// Lengths of texts in JSON. The engine measures them, since that takes time. There is no deadline:
/// the documents are converted already.
async fn escaped(engine: &Engine, contents: Vec<Bytes>) -> Result<Vec<usize>, Problem> {
    engine.compute(None, move || contents.iter().map(|content| escaped_length(content)).collect()).await
}

/// The length of a text as JSON has it, without the quotes.
fn escaped_length(content: &[u8]) -> usize {
    let mut length = Length(0);
    // A writer that only counts does not fail.
    let _ = serde_json::to_writer(&mut length, &String::from_utf8_lossy(content));
    length.0.saturating_sub(2)
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The code of a document whose result is too long.
const TOO_LONG: &str = "output-too-large";

fn is_too_long(answer: &Converted) -> bool {
    answer.as_ref().is_err_and(|problem| problem.code == TOO_LONG)
}

fn beyond(most: usize) -> Problem {
    let detail = format!(
        "the results of this batch are longer than {most} bytes of JSON together: send fewer at a time"
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "batch-output-too-large", detail)
}
