//! A long document, converted in parts at the same time.
//!
//! The parts are subtasks of the document's own task, which stays until they are joined: so it is that task that holds
//! the tenant's slot, and no step waits for the caller to be polled. A worker that waits for its parts converts those
//! that nobody has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ProcessError;
use super::engine::{Converted, Engine};
use super::request::Job;
use crate::contain::contain;
use crate::convert::{ConvertError, Converter, Format, Split};
use crate::memory::PooledBuf;
use crate::pool::TaskContext;

/// Converts in parts, if that was asked for and the converter can; `None` if the document is to be converted whole, be it
/// that its parts turned out not to make the whole.
pub(super) fn convert<C: Converter>(
    engine: &Arc<Engine<C>>,
    job: &Job,
    formats: (Format, Format),
) -> Option<Result<Converted, ProcessError>> {
    let size = job.options.chunk_size.unwrap_or(engine.config.chunk_size).max(1);
    if !job.options.parallel_chunks || job.content.len() <= size {
        return None;
    }
    let context = TaskContext::current()?;
    let split = Arc::new(engine.converter.split(&job.content, &job.options, size)?);
    let chunks = split.len();
    if chunks < 2 {
        return None;
    }
    contain(|| tracing::debug!(bytes = job.content.len(), parts = chunks, "document in parts"));
    let done = match join(spawn(engine, job, formats, &split, &context)) {
        Ok(Ok(mut outs)) => {
            let mut out = engine.memory.take(outs.iter().map(|out| out.len()).sum());
            // The converter gets what is in the buffers; their memory goes back to the pool when it has dropped that.
            let contents = outs.iter_mut().map(|out| out.split()).collect();
            let joined = engine.converter.join(&split, contents, &job.options, &mut out);
            joined.map(|()| Converted { out, chunks })
        }
        Ok(Err(error)) => Err(error),
        Err(error) => return Some(Err(error)),
    };
    match done {
        Ok(converted) => Some(Ok(converted)),
        // What is wrong with the document, if anything is, the whole will tell.
        Err(error) => {
            contain(|| tracing::debug!(%error, "the parts do not make the whole: it is converted again"));
            None
        }
    }
}

/// The parts as subtasks, which stop when this is dropped: parts that have not begun need not.
fn spawn<C: Converter>(
    engine: &Arc<Engine<C>>,
    job: &Job,
    formats: (Format, Format),
    split: &Arc<Split>,
    context: &TaskContext,
) -> (Vec<Part>, StopOnDrop) {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let probe = context.probe();
    let parts = (0..split.len()).map(|part| {
        let (engine, content, options) = (Arc::clone(engine), job.content.clone(), job.options.clone());
        let (split, stop, probe) = (Arc::clone(split), Arc::clone(&stop.0), probe.clone());
        context.spawn(move || {
            if stop.load(Ordering::Relaxed) || probe.is_cancelled() {
                return None;
            }
            let mut out = engine.buffer(formats, split.part(part).len());
            let result = engine.converter.convert_part(&content, &split, part, &options, &mut out);
            Some(result.map(|()| out))
        })
    });
    (parts.collect(), stop)
}

type Part = crate::pool::JoinHandle<Option<Result<PooledBuf, ConvertError>>>;

/// The results in order, or the first failure that is met. The last part was spawned last, so this worker begins there
/// and thieves at the other end.
fn join(
    (parts, _stop): (Vec<Part>, StopOnDrop),
) -> Result<Result<Vec<PooledBuf>, ConvertError>, ProcessError> {
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
