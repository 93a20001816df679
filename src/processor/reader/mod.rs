//! Documents that are converted while they are read.

mod error;
mod input;
mod output;
mod pump;
mod step;

use std::future::poll_fn;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};

pub use self::error::ReaderError;
use self::input::Input;
use self::output::Output;
use self::pump::{Progress, Pump, State};
use super::{ConcurrentProcessorV2, ConversionRequest};
use crate::contain::contain;
use crate::convert::{Converter, Format, Report};
use crate::policy::window;

/// A converter is to see so much of a document's beginning, in bytes.
const HEAD: usize = 64;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts what a reader brings, to its end, and writes what becomes of it. The request's `content` is what was read of the
    /// document already: mostly nothing.
    ///
    /// What is written is, byte for byte, what [`process_single`](Self::process_single) makes of the whole document, or this fails. But
    /// the document is never in memory whole, if the converter can convert it piece by piece ([`Converter::incremental`]): a window of
    /// `chunk_size` bytes for each core, but no more than half of `max_document_size`, is converted on the pool, in parts at the same time if that may be (`parallel_chunks`). Meanwhile
    /// as much again is read, and what became of the windows before is written. So a document of any length takes
    /// no more memory than two windows and what becomes of three, beside what the converter must remember of it, and a
    /// slow writer holds up the reader. A document shorter than a window is converted as by `process_single`.
    ///
    /// Where more must be seen to be certain, the window grows, until it is the rest of the document if need be, but never beyond
    /// [`max_document_size`](crate::ProcessorConfig::max_document_size); the document itself may be longer than that. What of which
    /// format must be seen is in the guide [documents](crate::guide::documents).
    ///
    /// The writer is flushed in the end, and whenever there is nothing to write; it is not shut down. Each window is a task
    /// with the request's tenant, priority and deadline, so it waits for its turn as a document does.
    ///
    /// # Errors
    /// [`ReaderError`]: the reader or the writer failed, the document could not be converted, or not in so much memory; and how many
    /// bytes were written by then. `ReaderError::Process` holds whatever `process_single` might have answered.
    ///
    /// # Cancel safety
    /// Dropping the future cancels what is in flight: a window whose conversion has not begun is dropped and its place in the queue is free
    /// before `drop` returns; one that is being converted goes on to its end, and its result is dropped. No task is left behind that
    /// reads or writes. What was read and not yet written is lost, so the future can't be replaced by another: it is not cancel safe in
    /// a `select!` in a loop, unless it is polled by reference.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
    ///
    /// let processor = ConcurrentProcessorV2::new();
    /// let book = "A paragraph, and *another*.\n\n".repeat(100_000);
    /// let request = ConversionRequest::new("book", "").with_to(Format::Html);
    /// let mut html = Vec::new();
    /// let response = processor.process_reader(request, book.as_bytes(), &mut html).await?;
    /// assert_eq!(response.bytes_in, 2_900_000);
    /// assert_eq!(response.bytes_out, html.len() as u64);
    /// assert!(html.ends_with(b"<p>A paragraph, and <em>another</em>.</p>\n"));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "documents"))] fn main() {}
    /// ```
    pub async fn process_reader<R, W>(
        &self,
        mut request: ConversionRequest,
        reader: R,
        writer: W,
    ) -> Result<ReaderResponse, ReaderError>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let inner = &self.inner;
        let chunk_size = inner.chunk_size(&request.options);
        let parts = if request.options.parallel_chunks { self.pool.usable_threads() } else { 1 };
        let usual = window::usual(chunk_size, parts, HEAD, inner.config.max_document_size);
        let begun = std::mem::take(&mut request.content);
        request.options.chunk_size = Some(chunk_size);
        let mut pump = Pump {
            under_way: Some(inner.enter()),
            processor: self.clone(),
            request,
            task: None,
            asked: Instant::now(),
            input: Input::new(reader, &begun, usual, inner.memory.clone()),
            output: Output::new(writer),
            state: State::Reads(Progress::NotBegun),
            windows: 0,
            report: Report::default(),
            is_counted: false,
        };
        let done = poll_fn(|cx| pump.poll(cx)).await;
        let (bytes_in, bytes_out) = (pump.input.read, pump.output.written);
        if !pump.is_counted {
            inner.account_read(&done, bytes_in, bytes_out);
        }
        contain(|| {
            tracing::debug!(bytes_in, bytes_out, windows = pump.windows, ok = done.is_ok(), "document read")
        });
        let (from, to) = done?.unzip();
        let (id, windows, report) = (pump.request.id, pump.windows, pump.report);
        Ok(ReaderResponse { id, from, to, bytes_in, bytes_out, windows, report })
    }
}

/// What became of a document that was converted while it was read; see [`ConcurrentProcessorV2::process_reader`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderResponse {
    /// The request's.
    pub id: String,
    /// The format that the document had, named or detected.
    pub from: Option<Format>,
    /// The format that it was converted to.
    pub to: Option<Format>,
    /// How many bytes it has.
    pub bytes_in: u64,
    /// How many bytes were written.
    pub bytes_out: u64,
    /// Through how many windows it was converted; 1 if it was converted whole.
    pub windows: u64,
    /// What the conversion left out of the document, replaced or assumed.
    pub report: Report,
}
