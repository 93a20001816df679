//! What is sent, made ready before the clock runs.

use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) enum Request {
    AtOnce(Vec<u8>),
    /// The body is for a service that has said `100 Continue`.
    AsksFirst {
        head: Vec<u8>,
        body: Vec<u8>,
    },
}

impl Request {
    /// A look at `/health`.
    pub(crate) fn health() -> Self {
        Self::AtOnce(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec())
    }

    /// For a document: RTF becomes Markdown, all else is Markdown and becomes HTML.
    pub(crate) fn convert(path: &Path, asks_first: bool) -> io::Result<Self> {
        let (content_type, accept) =
            if is_rtf(path) { ("application/rtf", "text/markdown") } else { ("text/markdown", "text/html") };
        let headers = format!("content-type: {content_type}\r\naccept: {accept}\r\n");
        Ok(Self::post("/convert", &headers, fs::read(path)?, asks_first))
    }

    /// For all of these documents in one.
    pub(crate) fn batch(paths: &[PathBuf], asks_first: bool) -> io::Result<Self> {
        let item = |path: &PathBuf| -> io::Result<Value> {
            let (from, to) = if is_rtf(path) { ("rtf", "markdown") } else { ("markdown", "html") };
            let (name, content) = match String::from_utf8(fs::read(path)?) {
                Ok(text) => ("content", text),
                Err(error) => ("content_base64", STANDARD.encode(error.as_bytes())),
            };
            Ok(json!({ "id": path.to_string_lossy(), "from": from, "to": to, name: content }))
        };
        let items: Vec<Value> = paths.iter().map(item).collect::<io::Result<_>>()?;
        let body = serde_json::to_vec(&items)?;
        Ok(Self::post("/batch", "content-type: application/json\r\n", body, asks_first))
    }

    fn post(path: &str, headers: &str, body: Vec<u8>, asks_first: bool) -> Self {
        let expect = if asks_first { "expect: 100-continue\r\n" } else { "" };
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}{expect}content-length: {length}\r\n\r\n"
        );
        let head = head.into_bytes();
        if asks_first { Self::AsksFirst { head, body } } else { Self::AtOnce([head, body].concat()) }
    }
}

fn is_rtf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rtf")
}
