//! Parts of a document, converted at the same time by the task of the document.
//!
//! The parts are subtasks, so only the document's task counts for its tenant's limit, and no step
//! waits for the caller to be polled. A worker that waits for its parts converts those that have
//! not started.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;

use super::ProcessError;
use super::inner::Inner;
use crate::convert::{ConvertError, ConvertPart, Converter, Format, OneByOne, Parts, Report};
use crate::memory::PooledBuf;
use crate::pool::{JoinHandle, TaskContext};

/// A converted part, and its report.
pub(super) type PartDone = (PooledBuf, Report);

/// The current task, whose pool converts the parts.
pub(super) struct Here<'e, C> {
    pub(super) inner: &'e Arc<Inner<C>>,
    pub(super) formats: (Format, Format),
    pub(super) context: TaskContext,
}

impl<C: Converter> Here<'_, C> {
    /// Converts a part for each length. Returns the results in order, or the first failure.
    pub(super) fn convert_each(
        &self,
        lengths: impl Iterator<Item = usize>,
        convert: &ConvertPart,
    ) -> Result<Result<Vec<PartDone>, ConvertError>, ProcessError> {
        join(self.spawn(lengths, convert))
    }

    /// Spawns the parts as subtasks. Parts that have not started stop when the guard is dropped.
    fn spawn(&self, lengths: impl Iterator<Item = usize>, convert: &ConvertPart) -> (Vec<Part>, StopOnDrop) {
        let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
        let probe = self.context.probe();
        let parts = lengths.enumerate().map(|(part, length)| {
            let (inner, formats, convert) = (Arc::clone(self.inner), self.formats, Arc::clone(convert));
            let (stop, probe) = (Arc::clone(&stop.0), probe.clone());
            self.context.spawn(move || {
                if stop.load(Ordering::Relaxed) || probe.is_cancelled() {
                    return None;
                }
                let mut out = inner.buffer(formats, length);
                Some(convert(part, &mut out).map(|report| (out, report)))
            })
        });
        (parts.collect(), stop)
    }
}

impl<C: Converter> Parts for Here<'_, C> {
    fn convert(
        &self,
        lengths: &[usize],
        part: ConvertPart,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        if lengths.len() < 2 {
            return OneByOne.convert(lengths, part, out);
        }
        match self.convert_each(lengths.iter().copied(), &part) {
            Ok(outs) => {
                let outs = outs?;
                out.reserve(outs.iter().map(|(out, _)| out.len()).sum());
                let mut sum = Report::default();
                for (part, report) in &outs {
                    out.extend_from_slice(part);
                    sum.merge(report);
                }
                Ok(sum)
            }
            Err(ProcessError::Panicked(panic)) => resume_unwind(panic.into_payload()),
            // The document was cancelled.
            Err(error) => Err(ConvertError::other(error)),
        }
    }
}

type Part = JoinHandle<Option<Result<PartDone, ConvertError>>>;

/// Returns the results in order, or the first failure. The last part was spawned last, so this
/// worker starts there, and other workers at the other end.
fn join(
    (parts, _stop): (Vec<Part>, StopOnDrop),
) -> Result<Result<Vec<PartDone>, ConvertError>, ProcessError> {
    let mut outs = Vec::with_capacity(parts.len());
    for part in parts.into_iter().rev() {
        match part.blocking_join() {
            Ok(Some(Ok(out))) => outs.push(out),
            Ok(Some(Err(error))) => return Ok(Err(error)),
            Ok(None) => return Err(ProcessError::Cancelled),
            Err(error) => return Err(error.into()),
        }
    }
    outs.reverse();
    Ok(Ok(outs))
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
