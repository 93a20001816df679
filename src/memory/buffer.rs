//! A buffer on loan.

use std::fmt;
use std::hint::black_box;
use std::mem;
use std::ops::{Deref, DerefMut};

use bytes::{Bytes, BytesMut};

use super::store::{Hand, Origin};

/// No buffer goes with less in it: to copy it costs no more than to keep account of its memory.
const TINY: usize = 512;
/// A buffer in which less than this part is used is mostly empty.
const MOSTLY_EMPTY: usize = 4;

/// A buffer from a [`BufferPool`](super::BufferPool), to which its memory goes back when it is dropped.
///
/// It is a [`BytesMut`] in every way. If it grows beyond its capacity it is reallocated, as any is, and what goes back to the
/// pool is the larger one, if that is at most twice the size of a tier. It may be cut up ([`BytesMut::split_to`]); its memory goes
/// back whole if the parts are gone by then, and to the allocator if not.
///
/// ```
/// use millpond::memory::BufferPool;
///
/// let pool = BufferPool::default();
/// let mut buffer = pool.take(1_000);
/// buffer.extend_from_slice(b"flour");
/// let bytes = buffer.freeze(); // no copy
/// assert_eq!(bytes, "flour");
/// assert_eq!(pool.statistics().small.buffers_held, 0);
/// drop(bytes.clone());
/// drop(bytes);
/// assert_eq!(pool.statistics().small.buffers_held, 1);
/// ```
pub struct PooledBuf {
    buffer: BytesMut,
    /// Its capacity when it was taken.
    lent: usize,
    origin: Origin,
    store: Hand,
}

impl PooledBuf {
    pub(super) fn new(buffer: BytesMut, origin: Origin, store: Hand) -> Self {
        Self { lent: buffer.capacity(), buffer, origin, store }
    }

    /// Its content as [`Bytes`], without a copy; the memory goes back to the pool when the last clone is dropped, on whatever
    /// thread.
    ///
    /// However little is in it, the whole buffer is then in use; see [`into_bytes`](Self::into_bytes).
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Its content as [`Bytes`] that may be held for long: as [`freeze`](Self::freeze), but where that would waste memory it is
    /// copied, and the buffer goes back at once.
    ///
    /// Copied is what has less than 512 bytes, and what takes up less than a quarter of its buffer while more buffers of this
    /// size are in use than the pool would keep. So what is wasted is bounded, however many are held. A pool with
    /// [`zero_on_return`](crate::memory::BufferPoolConfig::zero_on_return) copies nothing, since a copy would not be overwritten.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let (length, capacity) = (self.buffer.len(), self.buffer.capacity());
        let is_waste =
            length < TINY || (length < capacity / MOSTLY_EMPTY && self.store.is_overdrawn(self.origin.tier));
        if is_waste && !self.store.config.zero_on_return {
            return Bytes::copy_from_slice(&self.buffer);
        }
        self.freeze()
    }
}

impl Drop for PooledBuf {
    fn drop(&mut self) {
        let mut buffer = mem::take(&mut self.buffer);
        buffer.clear();
        // What was cut off comes back, unless it is in use; then this is not the buffer that was lent.
        let is_whole = buffer.try_reclaim(self.lent);
        if self.store.config.zero_on_return {
            wipe(&mut buffer);
        }
        self.store.put_back(self.origin, self.lent, Some(buffer).filter(|_| is_whole));
    }
}

/// Overwrites all of its memory, used or not, and leaves it empty.
fn wipe(buffer: &mut BytesMut) {
    buffer.resize(buffer.capacity(), 0);
    // Or else the compiler might find that nobody reads it before it is deallocated.
    black_box(&mut **buffer);
    buffer.clear();
}

impl Deref for PooledBuf {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.buffer
    }
}

impl DerefMut for PooledBuf {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }
}

impl AsRef<[u8]> for PooledBuf {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl From<PooledBuf> for Bytes {
    fn from(buffer: PooledBuf) -> Self {
        buffer.freeze()
    }
}

impl fmt::Debug for PooledBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.buffer, f)
    }
}
