//! Reads, converts and writes at the same time, in one future and in bounded memory: while a window
//! is converted, the next is read, and the results of earlier ones are written.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::input::Input;
use super::output::Output;
use super::step::{Session, Stepped};
use crate::convert::{ConvertError, Converter, Format, Report};
use crate::policy::window;
use crate::processor::inner::InFlight;
use crate::processor::request::{Job, Outcome};
use crate::processor::{ConcurrentProcessorV2, ConversionRequest, ProcessError, ReaderError};
use crate::task::TaskOptions;

/// How many bytes of a document's beginning a converter sees at least.
pub(super) const HEAD: usize = 64;

/// A conversion in progress.
pub(super) struct Pump<C, R, W> {
    pub(super) processor: ConcurrentProcessorV2<C>,
    /// Without its content.
    pub(super) request: ConversionRequest,
    /// The options of its tasks; known when its beginning is.
    pub(super) task: Option<TaskOptions>,
    pub(super) asked: Instant,
    pub(super) input: Input<R>,
    pub(super) output: Output<W>,
    pub(super) state: State,
    /// The number of windows that were converted, at least in part.
    pub(super) windows: u64,
    /// What was left out, once the conversion is done.
    pub(super) report: Report,
    /// Whether the document is counted in the processor's metrics.
    pub(super) is_counted: bool,
    pub(super) under_way: Option<InFlight>,
}

pub(super) enum State {
    /// Reads a window.
    Reads(Progress),
    /// Converts a window.
    Converts { window: Bytes, is_last: bool, step: Running<Result<Stepped, ProcessError>> },
    /// Converts the whole document in one step.
    ConvertsWhole(Running<Outcome>),
    /// Has converted all of it.
    Done(Option<(Format, Format)>),
}

/// The state of the conversion.
pub(super) enum Progress {
    NotBegun,
    Begun(Session),
    /// It needs the whole document.
    NeedsWhole,
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<C, R, W> Pump<C, R, W>
where
    C: Converter,
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(Format, Format)>, ReaderError>> {
        loop {
            let written = self.output.poll_write(cx).map_err(|source| self.write_error(source))?;
            let filled = self.input.poll_fill(cx).map_err(|source| self.read_error(source))?;
            let is_further = match &mut self.state {
                State::Done(formats) => {
                    let formats = *formats;
                    return written.map(|()| Ok(formats));
                }
                // One result may be written and one may wait. Then this waits, too.
                State::Reads(_) if filled.is_ready() && self.output.has_room() => self.begin()?,
                State::Reads(_) => false,
                State::Converts { step, .. } => match step.as_mut().poll(cx) {
                    Poll::Ready(stepped) => self.stepped(stepped)?,
                    Poll::Pending => false,
                },
                State::ConvertsWhole(whole) => match whole.as_mut().poll(cx) {
                    Poll::Ready(outcome) => self.converted_whole(outcome)?,
                    Poll::Pending => false,
                },
            };
            if !is_further {
                return Poll::Pending;
            }
        }
    }

    /// Starts to convert the window. Always makes progress.
    fn begin(&mut self) -> Result<bool, ReaderError> {
        let State::Reads(progress) = mem::replace(&mut self.state, State::Done(None)) else {
            return Ok(true);
        };
        let (window, is_last) = (self.input.take(), self.input.is_over);
        if window.len() > self.limit() {
            return Err(self.too_large());
        }
        let head = window.get(..HEAD).unwrap_or(&window);
        let options = || self.processor.inner.task_options(&self.request, head);
        let task = self.task.get_or_insert_with(options).clone();
        if self.windows == 0 && is_last {
            // From here on `process` counts it.
            self.under_way = None;
            self.is_counted = true;
            let (processor, asked) = (self.processor.clone(), self.asked);
            let job = Job { content: window, options: self.request.options.clone() };
            let whole = async move { processor.process(job, task, asked).await };
            self.state = State::ConvertsWhole(Box::pin(whole));
            return Ok(true);
        }
        if task.has_expired(Instant::now()) {
            self.processor.pool.count_late();
            return Err(self.process_error(ProcessError::Expired));
        }
        let session = match progress {
            // The memory is full, and the document goes on.
            Progress::NeedsWhole => return Err(self.too_large()),
            Progress::NotBegun => None,
            Progress::Begun(session) => Some(session),
        };
        let step = {
            let (processor, options) = (self.processor.clone(), self.request.options.clone());
            let (inner, window) = (Arc::clone(&processor.inner), window.clone());
            let bytes = inner.weight(&window, &options);
            let work = move || inner.step(session, &window, is_last, &options);
            async move { processor.run(task, bytes, work).await.unwrap_or_else(|error| Err(error.into())) }
        };
        self.state = State::Converts { window, is_last, step: Box::pin(step) };
        Ok(true)
    }

    /// Continues after a window. Always makes progress.
    fn stepped(&mut self, stepped: Result<Stepped, ProcessError>) -> Result<bool, ReaderError> {
        let State::Converts { window, is_last, .. } = mem::replace(&mut self.state, State::Done(None)) else {
            return Ok(true);
        };
        let (session, done, out) = match stepped.map_err(|error| self.process_error(error))? {
            Stepped::Done { session, done, out } => (session, done, out),
            Stepped::NeedsWhole => {
                // One byte over the limit shows whether that was all.
                self.input.put_back(&window, self.limit().saturating_add(1));
                self.state = State::Reads(Progress::NeedsWhole);
                return Ok(true);
            }
        };
        if done > window.len() || (is_last && done < window.len()) {
            let error = ConvertError::other("the converter has not converted what it was given");
            return Err(self.process_error(error.into()));
        }
        self.windows += u64::from(done > 0);
        self.output.push(out.freeze());
        if is_last {
            self.report = session.report();
            self.state = State::Done(Some(session.formats));
            return Ok(true);
        }
        let rest = window.get(done..).unwrap_or_default();
        let next = window::next(rest.len(), session.held(), self.input.usual, self.limit());
        let Some(target) = next else { return Err(self.too_large()) };
        self.input.put_back(rest, target);
        self.state = State::Reads(Progress::Begun(session));
        Ok(true)
    }

    /// Continues after the whole document. Always makes progress.
    fn converted_whole(&mut self, outcome: Outcome) -> Result<bool, ReaderError> {
        let formats = outcome.formats;
        self.report = outcome.report;
        // It is counted already.
        let written = self.output.written;
        let bytes = outcome.result.map_err(|source| ReaderError::Process { source, written })?;
        self.windows = 1;
        self.output.push(bytes);
        self.state = State::Done(formats);
        Ok(true)
    }
}

impl<C: Converter, R, W> Pump<C, R, W> {
    fn limit(&self) -> usize {
        self.processor.inner.config.max_document_size
    }

    fn read_error(&self, source: io::Error) -> ReaderError {
        ReaderError::Read { source, written: self.output.written }
    }

    fn write_error(&self, source: io::Error) -> ReaderError {
        ReaderError::Write { source, written: self.output.written }
    }

    fn process_error(&self, source: ProcessError) -> ReaderError {
        ReaderError::Process { source, written: self.output.written }
    }

    fn too_large(&self) -> ReaderError {
        ReaderError::TooLarge { limit: self.limit(), written: self.output.written }
    }
}
