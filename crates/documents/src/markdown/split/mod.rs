//! Markdown as a stream of events, with the limits on its nesting; of a whole document, or of a
//! part.

mod bounds;
mod cuts;
mod definitions;
mod fence;
mod html;
mod part;
mod search;
mod source;
mod stages;
mod window;

pub(crate) use self::part::Plan;
pub(crate) use self::search::split;
pub(crate) use self::source::Source;
pub(crate) use self::stages::heading::{self, Slugs};
pub(crate) use self::stages::hidden::HIDDEN_ELEMENTS;
pub(crate) use self::window::{Windows, Written};
