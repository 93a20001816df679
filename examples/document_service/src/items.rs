//! The documents of a batch, as its JSON has them.

use std::fmt;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use millpond::Format;
use millpond::service::axum::Problem;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::engine::Document;
use super::media::Conversion;
use super::quote::{MAX_ID, MAX_QUOTED, cut};

/// A document of a batch, as it came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    id: String,
    from: String,
    to: String,
    /// Text; RTF with other bytes than those of UTF-8 comes as `content_base64`.
    content: Option<String>,
    content_base64: Option<String>,
}

/// A document and its id; or why it can't be one.
pub(crate) type Named = (String, Result<Document, Problem>);

/// What the JSON says. A document that can't be one is an answer, and no reason to refuse the others.
///
/// # Errors
/// 400 if it is no batch, 413 if it has more than `most` documents; those are not read.
pub(crate) fn read(body: &[u8], most: usize) -> Result<Vec<Named>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut is_longer = false;
    let items = AtMost { most, is_longer: &mut is_longer }.deserialize(&mut json);
    let items = items.and_then(|items| json.end().map(|()| items));
    if is_longer {
        let detail = format!("the batch has more than the {most} documents that are accepted");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-documents", detail));
    }
    let items = items.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = cut(error.to_string(), MAX_QUOTED);
        let detail = format!("not a batch (line {line}, column {column}): {reason}");
        Problem::new(StatusCode::BAD_REQUEST, "malformed-batch", detail)
    })?;
    Ok(items.into_iter().map(document).collect())
}

/// An array of items, read no further than to one too many: a body of the length that is accepted has room for a million.
struct AtMost<'l> {
    most: usize,
    is_longer: &'l mut bool,
}

impl<'de> DeserializeSeed<'de> for AtMost<'_> {
    type Value = Vec<Item>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AtMost<'_> {
    type Value = Vec<Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            if items.len() == self.most {
                *self.is_longer = true;
                return Err(A::Error::custom("too many"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

fn document(item: Item) -> Named {
    let Item { id, from, to, content, content_base64 } = item;
    let unprocessable = |code, detail| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
    let format = |name: &str| {
        name.parse::<Format>().map_err(|error| {
            let name = cut(name.to_owned(), MAX_QUOTED);
            unprocessable("unknown-format", format!("{name:?}: {error}"))
        })
    };
    let content = match (content, content_base64) {
        (Some(text), None) => Ok(Bytes::from(text)),
        (None, Some(base64)) => STANDARD
            .decode(base64)
            .map(Bytes::from)
            .map_err(|error| unprocessable("not-base64", format!("content_base64: {error}"))),
        _ => {
            Err(unprocessable("no-content", String::from("a document has either content or content_base64")))
        }
    };
    let document = content.and_then(|content| {
        let conversion = Conversion { from: format(&from)?, to: format(&to)? };
        Ok(Document { content, conversion })
    });
    (cut(id, MAX_ID), document)
}
