//! A long document, converted in parts at the same time.
//!
//! The parts are subtasks of the document's own task, which stays until they are joined: so it is that task that holds
//! the tenant's slot, and no step waits for the caller to be polled. A worker that waits for its parts converts those
//! that nobody has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;

use super::ProcessError;
use super::engine::{Converted, Engine};
use super::request::Job;
use crate::convert::{ConvertError, Converter};
use crate::pool::TaskContext;

/// Converts in parts, if that was asked for and the converter can; `None` if the document is to be converted whole.
pub(super) fn convert<C: Converter>(
    engine: &Arc<Engine<C>>,
    job: &Job,
) -> Option<Result<Converted, ProcessError>> {
    let size = job.options.chunk_size.unwrap_or(engine.config.chunk_size).max(1);
    if !job.options.parallel_chunks || job.content.len() <= size {
        return None;
    }
    let context = TaskContext::current()?;
    let ranges = engine.converter.split(&job.content, &job.options, size)?;
    if ranges.len() < 2 {
        return None;
    }
    // Set when the document is done for: parts that have not begun need not.
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let probe = context.probe();
    let parts: Vec<_> = ranges
        .into_iter()
        .map(|range| {
            let (engine, content, options) = (Arc::clone(engine), job.content.clone(), job.options.clone());
            let (stop, probe) = (Arc::clone(&stop.0), probe.clone());
            context.spawn(move || {
                if stop.load(Ordering::Relaxed) || probe.is_cancelled() {
                    return None;
                }
                let mut out = BytesMut::new();
                let result = engine.converter.convert_part(&content, range, &options, &mut out);
                Some(result.map(|()| out))
            })
        })
        .collect();
    let chunks = parts.len();
    Some(join(parts).map(|outs| {
        let mut out = BytesMut::with_capacity(outs.iter().map(BytesMut::len).sum());
        engine.converter.join(outs, &mut out);
        Converted { out, chunks }
    }))
}

type Part = crate::pool::JoinHandle<Option<Result<BytesMut, ConvertError>>>;

/// The results in order, or the first failure that is met. The last part was spawned last, so this worker begins there
/// and thieves at the other end.
fn join(parts: Vec<Part>) -> Result<Vec<BytesMut>, ProcessError> {
    let mut outs = Vec::with_capacity(parts.len());
    for part in parts.into_iter().rev() {
        match part.blocking_join() {
            Ok(Some(Ok(out))) => outs.push(out),
            Ok(Some(Err(error))) => return Err(error.into()),
            Ok(None) => return Err(ProcessError::Cancelled),
            Err(error) => return Err(error.into()),
        }
    }
    outs.reverse();
    Ok(outs)
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
