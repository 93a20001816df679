//! The open list items, and the markers of new items.

use crate::model::Item;

/// The largest list number in CommonMark: nine digits.
const LARGEST_NUMBER: u32 = 999_999_999;

/// The open items, outermost first.
#[derive(Debug, Default)]
pub(super) struct Items {
    open: Vec<Open>,
    /// Whether the marker of the innermost item has not been written yet.
    is_fresh: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    level: u8,
    list: u32,
    /// `-` or `*` for bullets, `.` or `)` after numbers.
    symbol: char,
    /// The indent of its text relative to the text of the surrounding item.
    width: usize,
    /// The indent, as in `Place`.
    indent: i32,
}

/// The marker of an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    pub(super) number: Option<u32>,
    pub(super) symbol: char,
    /// Whether it is the first of its list.
    pub(super) is_first: bool,
    /// Whether its list directly follows another at the same depth.
    pub(super) is_apart: bool,
}

impl Items {
    /// Opens an item and closes those that do not contain it.
    pub(super) fn enter(&mut self, item: Item, indent: i32) -> Marker {
        while self.open.last().is_some_and(|open| open.level > item.level) {
            self.open.pop();
        }
        let beside = self.open.last().copied().filter(|open| open.level == item.level);
        if beside.is_some() {
            self.open.pop();
        }
        let (usual, other) = if item.number.is_some() { ('.', ')') } else { ('-', '*') };
        let (symbol, is_first) = match beside {
            Some(open) if open.list == item.list && (open.symbol == usual || open.symbol == other) => {
                (open.symbol, false)
            }
            // A different symbol begins a different list.
            Some(open) if open.symbol == usual => (other, true),
            _ => (usual, true),
        };
        let number = item.number.map(|number| number.min(LARGEST_NUMBER));
        let width = number.map_or(2, |number| number.checked_ilog10().unwrap_or(0) as usize + 3);
        self.open.push(Open { level: item.level, list: item.list, symbol, width, indent });
        self.is_fresh = true;
        Marker { number, symbol, is_first, is_apart: is_first && beside.is_some() }
    }

    /// Closes all items except the one whose text has that indent, and those around it. Text
    /// without indent is in no item.
    pub(super) fn close_to(&mut self, indent: i32) {
        let keep = if indent > 0 { self.open.iter().rposition(|open| open.indent == indent) } else { None };
        self.open.truncate(keep.map_or(0, |at| at + 1));
    }

    /// Closes all items except those of lists that contain `item`.
    pub(super) fn close_to_item(&mut self, item: Item) {
        let is_around = |open: &Open| open.list == item.list && open.level < item.level;
        let keep = self.open.iter().rposition(is_around);
        self.open.truncate(keep.map_or(0, |at| at + 1));
    }

    pub(super) fn close_all(&mut self) {
        self.open.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Marks the marker as written.
    pub(super) fn written(&mut self) {
        self.is_fresh = false;
    }

    /// The indent of the text of the innermost item.
    pub(super) fn width(&self) -> usize {
        self.open.iter().map(|open| open.width).sum()
    }

    /// How much of that indent the marker of the item occupies.
    pub(super) fn own_width(&self) -> usize {
        match self.open.last() {
            Some(open) if self.is_fresh => open.width,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(list: u32, level: u8, number: Option<u32>) -> Item {
        Item { list, level, number }
    }

    #[test]
    fn text_is_as_far_right_as_the_markers_around_it() {
        let mut items = Items::default();
        items.enter(item(1, 0, Some(10)), 720);
        items.enter(item(1, 1, None), 1440);
        assert_eq!((items.width(), items.own_width()), (6, 2));
        items.close_to(720);
        assert_eq!(items.width(), 4);
        items.close_to(0);
        assert_eq!(items.width(), 0);
    }

    #[test]
    fn lists_side_by_side_differ_in_their_symbol() {
        let mut items = Items::default();
        let symbols = [1, 1, 2, 3].map(|list| items.enter(item(list, 0, None), 0).symbol);
        assert_eq!(symbols, ['-', '-', '*', '-']);
    }

    #[test]
    fn a_level_may_be_left_out() {
        let mut items = Items::default();
        items.enter(item(1, 4, None), 0);
        assert_eq!(items.width(), 2);
        items.enter(item(1, 2, None), 0);
        assert_eq!(items.width(), 2);
    }
}
