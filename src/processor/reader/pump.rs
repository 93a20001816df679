//! Reads, converts and writes at the same time, in one future and in bounded memory: while a window
//! is converted, the next is read, and the results of earlier ones are written.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::input::Input;
use super::output::Output;
use crate::convert::{ConversionOptions, ConvertError, Converter, Format, Incremental, OneByOne, Report};
use crate::memory::PooledBuf;
use crate::policy::window;
use crate::pool::TaskContext;
use crate::processor::convert::Here;
use crate::processor::inner::Inner;
use crate::processor::metrics::InFlight;
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
    /// `None` once it is converted as a whole, and counted as such.
    pub(super) in_flight: Option<InFlight>,
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

/// A conversion that has begun.
pub(super) struct Session {
    conversion: Box<dyn Incremental>,
    formats: (Format, Format),
}

/// The result of a window.
pub(super) enum Stepped {
    /// The converter needs the whole document.
    NeedsWhole,
    /// `done` bytes of it are converted.
    Done { session: Session, done: usize, out: PooledBuf },
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
            match &mut self.state {
                State::Done(formats) => {
                    let formats = *formats;
                    return written.map(|()| Ok(formats));
                }
                // One result may be written and one may wait. Then this waits, too.
                State::Reads(_) if filled.is_pending() || !self.output.has_room() => return Poll::Pending,
                State::Reads(_) => self.begin()?,
                State::Converts { step, .. } => {
                    let stepped = ready!(step.as_mut().poll(cx));
                    self.stepped(stepped)?;
                }
                State::ConvertsWhole(whole) => {
                    let outcome = ready!(whole.as_mut().poll(cx));
                    self.converted_whole(outcome)?;
                }
            }
        }
    }

    fn begin(&mut self) -> Result<(), ReaderError> {
        let State::Reads(progress) = mem::replace(&mut self.state, State::Done(None)) else {
            return Ok(());
        };
        let (window, is_last) = (self.input.take(), self.input.is_over);
        if window.len() > self.limit() {
            return Err(self.too_large());
        }
        let head = window.get(..HEAD).unwrap_or(&window);
        let options = || self.processor.inner.task_options(&self.request, head);
        let task = self.task.get_or_insert_with(options).clone();
        if self.windows == 0 && is_last {
            self.in_flight = None;
            let (processor, asked) = (self.processor.clone(), self.asked);
            let job = Job { content: window, options: self.request.options.clone() };
            let whole = async move { processor.process(job, task, asked).await };
            self.state = State::ConvertsWhole(Box::pin(whole));
            return Ok(());
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
        let (processor, options) = (self.processor.clone(), self.request.options.clone());
        let task = TaskOptions { bytes: processor.inner.weight(&window, &options), ..task };
        let work = {
            let (inner, window) = (Arc::clone(&processor.inner), window.clone());
            move || inner.step(session, &window, is_last, &options)
        };
        let step = async move {
            let stepped = processor.pool.run_with(task, work).await;
            stepped.unwrap_or_else(|error| Err(error.into()))
        };
        self.state = State::Converts { window, is_last, step: Box::pin(step) };
        Ok(())
    }

    fn stepped(&mut self, stepped: Result<Stepped, ProcessError>) -> Result<(), ReaderError> {
        let State::Converts { window, is_last, .. } = mem::replace(&mut self.state, State::Done(None)) else {
            return Ok(());
        };
        let (session, done, out) = match stepped.map_err(|error| self.process_error(error))? {
            Stepped::Done { session, done, out } => (session, done, out),
            Stepped::NeedsWhole => {
                // One byte over the limit shows whether that was all.
                self.input.put_back(&window, self.limit().saturating_add(1));
                self.state = State::Reads(Progress::NeedsWhole);
                return Ok(());
            }
        };
        if done > window.len() || (is_last && done < window.len()) {
            let error = ConvertError::other("the converter has not converted what it was given");
            return Err(self.process_error(error.into()));
        }
        self.windows += u64::from(done > 0);
        self.output.push(out.freeze());
        if is_last {
            self.report = session.conversion.report();
            self.state = State::Done(Some(session.formats));
            return Ok(());
        }
        let rest = window.get(done..).unwrap_or_default();
        let next = window::next(rest.len(), session.conversion.held(), self.input.usual, self.limit());
        let Some(target) = next else { return Err(self.too_large()) };
        self.input.put_back(rest, target);
        self.state = State::Reads(Progress::Begun(session));
        Ok(())
    }

    /// Continues after the whole document, which is counted already.
    fn converted_whole(&mut self, outcome: Outcome) -> Result<(), ReaderError> {
        self.report = outcome.report;
        let bytes = outcome.result.map_err(|source| self.process_error(source))?;
        self.output.push(bytes);
        self.windows = 1;
        self.state = State::Done(outcome.formats);
        Ok(())
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

impl<C: Converter> Inner<C> {
    /// Converts as much of a window as possible. Starts the conversion first, if necessary.
    fn step(
        self: &Arc<Self>,
        session: Option<Session>,
        window: &Bytes,
        is_last: bool,
        options: &ConversionOptions,
    ) -> Result<Stepped, ProcessError> {
        let mut session = match session {
            Some(session) => session,
            None => match self.converter.incremental(window, options)? {
                Some(conversion) => Session { conversion, formats: self.converter.resolve(window, options)? },
                None => return Ok(Stepped::NeedsWhole),
            },
        };
        let formats = session.formats;
        let mut out = self.buffer(formats, window.len());
        let done = match TaskContext::current().filter(|_| options.parallel_chunks) {
            Some(context) => {
                let here = Here { inner: self, formats, context };
                session.conversion.convert(window, is_last, &here, &mut out)?
            }
            None => session.conversion.convert(window, is_last, &OneByOne, &mut out)?,
        };
        if done > 0 {
            self.kind(formats).lock().learn_room(done, out.len());
        }
        Ok(Stepped::Done { session, done, out })
    }
}
