//! The parts of a document, and the data that they share.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The parts of a document, and the data that they share.
/// [`Converter::split`](super::Converter::split) returns it.
///
/// ```
/// use millpond::convert::Split;
///
/// let shared = String::from("seen once, wanted by each part");
/// let split = Split::new(vec![0..4, 4..9]).with_shared(shared);
/// assert_eq!(split.len(), 2);
/// assert_eq!(split.part(1), 4..9);
/// assert_eq!(split.shared::<String>().map(String::len), Some(30));
/// ```
#[derive(Clone)]
pub struct Split {
    parts: Vec<Range<usize>>,
    shared: Arc<dyn Any + Send + Sync>,
}

impl Split {
    /// Creates a split with parts at these byte ranges of the input, in the order of the join.
    #[must_use]
    pub fn new(parts: Vec<Range<usize>>) -> Self {
        Self { parts, shared: Arc::new(()) }
    }

    /// Adds data that each part and the join can access: for example the definitions of the
    /// document's header, or slots in which parts store results other than output.
    #[must_use]
    pub fn with_shared(self, shared: impl Any + Send + Sync) -> Self {
        Self { shared: Arc::new(shared), ..self }
    }

    /// Returns the number of parts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there are no parts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the range of a part, counted from 0; an empty range if there is no such part.
    #[must_use]
    pub fn part(&self, part: usize) -> Range<usize> {
        self.parts.get(part).cloned().unwrap_or_default()
    }

    /// Returns the shared data, if its type is `T`.
    #[must_use]
    pub fn shared<T: Any>(&self) -> Option<&T> {
        self.shared.downcast_ref()
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("parts", &self.parts).finish_non_exhaustive()
    }
}
