//! A buffer that is in use.

use std::fmt;
use std::hint::black_box;
use std::mem;
use std::ops::{Deref, DerefMut};

use bytes::{Bytes, BytesMut};

use super::store::{Hand, Origin};

/// A result below this many bytes is copied: the copy costs no more than the accounting of its
/// memory.
const TINY: usize = 512;
/// The divisor of the capacity below which a buffer is mostly empty.
const MOSTLY_EMPTY_DIVISOR: usize = 4;

/// A buffer from a [`BufferPool`](super::BufferPool), to which its memory goes back when it is
/// dropped.
///
/// It is a [`BytesMut`] in every way. If it grows beyond its capacity it is reallocated, and the
/// larger memory goes back to the pool, if it has at most twice the size of a tier. It may be cut
/// up ([`BytesMut::split_to`]). Its memory goes back whole if the parts are gone by then; otherwise
/// it goes to the allocator.
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
    /// The capacity when it was taken.
    lent: usize,
    origin: Origin,
    store: Hand,
}

impl PooledBuf {
    pub(super) fn new(buffer: BytesMut, origin: Origin, store: Hand) -> Self {
        Self { lent: buffer.capacity(), buffer, origin, store }
    }

    /// Returns its content as [`Bytes`], without a copy. The memory goes back to the pool when the
    /// last clone is dropped, on any thread.
    ///
    /// The whole buffer stays in use, however short the content; see
    /// [`into_bytes`](Self::into_bytes).
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Returns its content as [`Bytes`] that may be held for long: as [`freeze`](Self::freeze), but
    /// content that would waste memory is copied, and the buffer goes back at once.
    ///
    /// Content of less than 512 bytes is copied. So is content of less than a quarter of its
    /// buffer, while more buffers of this size are in use than the pool would keep. So the waste is
    /// bounded, however many are held. A pool with
    /// [`zero_on_return`](crate::memory::BufferPoolConfig::zero_on_return) copies nothing, since a
    /// copy would not be overwritten.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let (length, capacity) = (self.buffer.len(), self.buffer.capacity());
        let is_waste = length < TINY
            || (length < capacity / MOSTLY_EMPTY_DIVISOR && self.store.is_overdrawn(self.origin.tier));
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
        // Parts that were cut off come back, unless they are in use. Then this is not the whole
        // buffer.
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
    // Otherwise the compiler might remove the writes.
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
