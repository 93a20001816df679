//! The requests and responses of the processor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ProcessError;
use crate::convert::{ConversionOptions, Format, Report};
use crate::task::{Priority, TaskOptions};

/// A document to convert.
///
/// ```
/// use millpond::{ConversionRequest, Format};
///
/// let request = ConversionRequest::new("readme", "# Title").with_to(Format::Html).with_tenant("acme");
/// assert_eq!(request.options.to, Some(Format::Html));
///
/// let same = ConversionRequest { id: "readme".into(), content: "# Title".into(), ..Default::default() };
/// assert_eq!(same.content, request.content);
/// ```
#[derive(Debug, Clone, Default)]
pub struct ConversionRequest {
    /// The name of the request and of its response. It need not be unique.
    pub id: String,
    /// The document. A clone of `Bytes` shares it.
    pub content: Bytes,
    /// How to convert it.
    pub options: ConversionOptions,
    /// The tenant, class, deadline and name of its task. Of each tenant
    /// [`max_concurrent_per_tenant`](crate::ProcessorConfig::max_concurrent_per_tenant) tasks may
    /// run at a time; requests without a tenant are not limited. The processor sets
    /// [`bytes`](TaskOptions::bytes) itself. Small documents of a batch share a task only if these
    /// options are equal.
    pub task: TaskOptions,
}

impl ConversionRequest {
    /// A request with default options: formats by detection, whole, for no tenant.
    pub fn new(id: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self { id: id.into(), content: content.into(), ..Self::default() }
    }

    /// Sets the format of the document.
    #[must_use]
    pub fn with_from(mut self, format: Format) -> Self {
        self.options.from = Some(format);
        self
    }

    /// Sets the format of the result.
    #[must_use]
    pub fn with_to(mut self, format: Format) -> Self {
        self.options.to = Some(format);
        self
    }

    /// Replaces the options.
    #[must_use]
    pub fn with_options(mut self, options: ConversionOptions) -> Self {
        self.options = options;
        self
    }

    /// Replaces the options of its task.
    #[must_use]
    pub fn with_task(mut self, options: TaskOptions) -> Self {
        self.task = options;
        self
    }

    /// Sets [`TaskOptions::tenant`].
    #[must_use]
    pub fn with_tenant(mut self, name: impl Into<Arc<str>>) -> Self {
        self.task.tenant = Some(name.into());
        self
    }

    /// Sets [`TaskOptions::priority`].
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.task.priority = Some(priority);
        self
    }

    /// Sets [`TaskOptions::deadline`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: impl Into<Instant>) -> Self {
        self.task.deadline = Some(deadline.into());
        self
    }

    pub(super) fn into_parts(self) -> (String, Job) {
        let Self { id, content, options, .. } = self;
        (id, Job { content, options })
    }
}

/// The result of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConversionResponse {
    /// The name of the request.
    pub id: String,
    /// The converted document.
    pub result: Result<Bytes, ProcessError>,
    /// The format of the document, named or detected; `None` if it was not examined.
    pub from: Option<Format>,
    /// The format of the result; `None` if the document was not examined.
    pub to: Option<Format>,
    /// The time from the request to the start of the conversion: the waits for room, for its
    /// tenant's turn and for a worker, and in a batch for the documents before it.
    pub queued: Duration,
    /// The time of the conversion itself.
    pub took: Duration,
    /// Whether it was converted on the caller's own thread.
    pub inlined: bool,
    /// The number of parts: 1 if it was not split, 0 if it was not converted.
    pub chunks: usize,
    /// What the conversion left out, replaced or assumed; empty if there was none.
    pub report: Report,
}

impl ConversionResponse {
    /// Whether the document was converted.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.result.is_ok()
    }
}

/// A request without its name.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) content: Bytes,
    pub(super) options: ConversionOptions,
}

/// A response without its name.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(super) result: Result<Bytes, ProcessError>,
    pub(super) formats: Option<(Format, Format)>,
    pub(super) bytes_in: usize,
    pub(super) queued: Duration,
    pub(super) took: Duration,
    pub(super) inlined: bool,
    pub(super) chunks: usize,
    pub(super) report: Report,
}

impl Outcome {
    /// The answer for a document that was not converted.
    pub(super) fn unconverted(error: ProcessError, queued: Duration) -> Self {
        let (took, report) = (Duration::ZERO, Report::default());
        Self {
            result: Err(error),
            formats: None,
            bytes_in: 0,
            queued,
            took,
            inlined: false,
            chunks: 0,
            report,
        }
    }

    pub(crate) fn named(self, id: String) -> ConversionResponse {
        let Self { result, formats, bytes_in: _, queued, took, inlined, chunks, report } = self;
        let (from, to) = formats.unzip();
        ConversionResponse { id, result, from, to, queued, took, inlined, chunks, report }
    }
}
