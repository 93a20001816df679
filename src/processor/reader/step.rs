//! A step of a conversion: one window, on a worker.

use std::sync::Arc;

use bytes::Bytes;

use crate::convert::{ConversionOptions, Converter, Format, Incremental, OneByOne, Report};
use crate::memory::PooledBuf;
use crate::pool::TaskContext;
use crate::processor::ProcessError;
use crate::processor::inner::{Inner, kind_of};
use crate::processor::parts::Here;

/// A conversion that has begun.
pub(super) struct Session {
    conversion: Box<dyn Incremental>,
    pub(super) formats: (Format, Format),
}

impl Session {
    /// Returns the number of bytes that it remembers.
    pub(super) fn held(&self) -> usize {
        self.conversion.held()
    }

    /// Returns what it left out so far.
    pub(super) fn report(&self) -> Report {
        self.conversion.report()
    }
}

/// The result of a window.
pub(super) enum Stepped {
    /// The converter needs the whole document.
    NeedsWhole,
    /// `done` bytes of it are converted.
    Done { session: Session, done: usize, out: PooledBuf },
}

impl<C: Converter> Inner<C> {
    /// Converts as much of a window as possible. Starts the conversion first, if necessary.
    pub(super) fn step(
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
            self.kind(kind_of(formats)).lock().learn_room(done, out.len());
        }
        Ok(Stepped::Done { session, done, out })
    }
}
