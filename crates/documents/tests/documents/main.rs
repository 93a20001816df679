//! What the converter keeps of documents, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod chunked;
mod chunked_rtf;
mod chunked_support;
mod complexity;
mod extensions;
mod hostile;
mod lenient;
mod markdown;
mod properties;
mod read;
mod read_rtf;
mod real;
mod reports;
mod rtf;
mod rtf_faults;
mod safe;
mod support;
