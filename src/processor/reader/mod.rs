//! Documents that are converted while they are read.

mod input;
mod output;
mod pump;

use std::future::poll_fn;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};

use self::input::Input;
use self::output::Output;
use self::pump::{HEAD, Progress, Pump, State};
use super::inner::TARGET;
use super::{ConcurrentProcessorV2, ConversionRequest, ReaderError};
use crate::contain::contain;
use crate::convert::{Converter, Format, Report};
use crate::policy::window;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts the document of a reader, to its end, and writes the result. The request's
    /// `content` is what was already read of the document: mostly nothing.
    ///
    /// The written bytes are exactly what [`process_single`](Self::process_single) makes of the
    /// whole document, or this fails. If the converter can convert it piece by piece
    /// ([`Converter::incremental`]), the document is never in memory as a whole: a window of
    /// `chunk_size` bytes for each core, but no more than half of `max_document_size`, is converted
    /// on the pool, in parts at the same time if that is allowed (`parallel_chunks`). Meanwhile as
    /// much again is read, and the results of earlier windows are written. So a document of any
    /// length takes no more memory than two windows, the results of three, and what the converter
    /// must remember. A slow writer slows down the reader. A document shorter than a window is
    /// converted as by `process_single`.
    ///
    /// Where the converter needs more, the window grows, if need be to the rest of the document,
    /// but never beyond [`max_document_size`](crate::ProcessorConfig::max_document_size). The
    /// document itself may be longer than that. The guide [documents](crate::guide::documents) says
    /// what each format needs.
    ///
    /// The writer is flushed at the end, and whenever there is nothing to write. It is not shut
    /// down. Each window is a task with the request's tenant, priority and deadline, so it waits
    /// for its turn as a document does.
    ///
    /// # Errors
    /// [`ReaderError`]: the reader or the writer failed, the document could not be converted, or it
    /// needs too much memory; with the number of bytes that were written. `ReaderError::Process`
    /// has the error that `process_single` would have answered.
    ///
    /// # Cancel safety
    /// Dropping the future drops the window as [`process_single`](Self::process_single) drops a
    /// document. No task is left that reads or writes. Bytes that were read and not yet written are
    /// lost, so the future is not cancel safe in a `select!` in a loop, unless it is polled by
    /// reference.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
            processor: self.clone(),
            request,
            task: None,
            asked: Instant::now(),
            input: Input::new(reader, &begun, usual, inner.memory.clone()),
            output: Output::new(writer),
            state: State::Reads(Progress::NotBegun),
            windows: 0,
            report: Report::default(),
            in_flight: Some(inner.tally.enter()),
        };
        let done = poll_fn(|cx| pump.poll(cx)).await;
        let (bytes_in, bytes_out) = (pump.input.read, pump.output.written);
        if pump.in_flight.is_some() {
            inner.tally.account_read(&done, bytes_in, bytes_out);
        }
        let (id, windows, report, ok) = (pump.request.id, pump.windows, pump.report, done.is_ok());
        contain(|| {
            tracing::debug!(target: TARGET, bytes_in, bytes_out, windows, ok, "document read");
        });
        let (from, to) = done?.unzip();
        Ok(ReaderResponse { id, from, to, bytes_in, bytes_out, windows, report })
    }
}

/// The result of a document that was converted while it was read; see
/// [`ConcurrentProcessorV2::process_reader`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderResponse {
    /// The name of the request.
    pub id: String,
    /// The format of the document, named or detected.
    pub from: Option<Format>,
    /// The format of the result.
    pub to: Option<Format>,
    /// The number of bytes of the document.
    pub bytes_in: u64,
    /// The number of bytes that were written.
    pub bytes_out: u64,
    /// The number of windows; 1 if it was converted whole.
    pub windows: u64,
    /// What the conversion left out, replaced or assumed.
    pub report: Report,
}
