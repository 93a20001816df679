//! The lists of a document. Each numbered list has its own definition, because word processors
//! number all items of one definition consecutively, whatever the overrides are. Lists with bullets
//! share one definition.

use bytes::BytesMut;

/// The number of list levels in RTF. Deeper items are on the last.
pub(super) const LEVELS: usize = 9;

/// The `\listid` of lists with bullets. That of a numbered list is the sum of its `\ls` and this.
const BULLETS: usize = 1;

/// The minimum size in bytes of the definition of a numbered list.
const LEAST_DEFINITION: usize = 1_000;

/// The lists so far. Each has a number, its `\ls`, from 1.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// The first number of each list, or `None` for bullets, and its level.
    starts: Vec<(Option<u64>, usize)>,
    /// The number of numbered lists.
    numbered: usize,
}

impl Lists {
    /// Adds a list. Returns its `\ls`.
    pub(super) fn open(&mut self, start: Option<u64>, level: usize) -> usize {
        self.starts.push((start, level));
        self.numbered += usize::from(start.is_some());
        self.starts.len()
    }

    /// The minimum size in bytes of their definitions.
    pub(super) fn bytes(&self) -> usize {
        self.numbered * LEAST_DEFINITION
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Adds the lists of the next part.
    pub(super) fn append(&mut self, next: &Self) {
        self.starts.extend_from_slice(&next.starts);
        self.numbered += next.numbered;
    }

    /// Appends the list table and the list override table.
    pub(super) fn write(&self, out: &mut BytesMut) {
        if self.starts.is_empty() {
            return;
        }
        out.extend_from_slice(b"{\\*\\listtable\n");
        if self.starts.iter().any(|(start, _)| start.is_none()) {
            write_list(out, BULLETS, |out, _| {
                out.extend_from_slice(
                    b"\\levelnfc23\\levelnfcn23\\leveljc0\\leveljcn0\\levelfollow0\\levelstartat1",
                );
                out.extend_from_slice(b"{\\leveltext\\'01\\u8226?;}{\\levelnumbers;}");
            });
        }
        for (index, &(start, level)) in self.starts.iter().enumerate() {
            let Some(start) = start else { continue };
            write_list(out, BULLETS + index + 1, |out, at| {
                let start = if at == level { start.min(999_999_999) } else { 1 };
                out.extend_from_slice(
                    b"\\levelnfc0\\levelnfcn0\\leveljc0\\leveljcn0\\levelfollow0\\levelstartat",
                );
                let text = format!("{start}{{\\leveltext\\'02\\'0{at}.;}}{{\\levelnumbers\\'01;}}");
                out.extend_from_slice(text.as_bytes());
            });
        }
        out.extend_from_slice(b"}\n{\\*\\listoverridetable\n");
        for (index, &(start, level)) in self.starts.iter().enumerate() {
            let number = index + 1;
            let id = if start.is_some() { BULLETS + number } else { BULLETS };
            let levels = if start.is_some() { 0 } else { level + 1 };
            out.extend_from_slice(format!("{{\\listoverride\\listid{id}").as_bytes());
            out.extend_from_slice(format!("\\listoverridecount{levels}").as_bytes());
            for _ in 0..levels {
                // Restarting the numbers separates the lists.
                out.extend_from_slice(b"{\\lfolevel\\listoverridestartat\\levelstartat1}");
            }
            out.extend_from_slice(format!("\\ls{number}}}\n").as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_list(out: &mut BytesMut, id: usize, level: impl Fn(&mut BytesMut, usize)) {
    out.extend_from_slice(format!("{{\\list\\listtemplateid{id}\n").as_bytes());
    for at in 0..LEVELS {
        out.extend_from_slice(b"{\\listlevel");
        level(out, at);
        out.extend_from_slice(format!("\\fi-360\\li{}}}\n", 720 * (at + 1)).as_bytes());
    }
    out.extend_from_slice(format!("{{\\listname ;}}\\listid{id}}}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_an_override_and_each_with_numbers_a_definition() {
        let mut lists = Lists::default();
        assert_eq!(lists.open(None, 0), 1);
        assert_eq!(lists.open(Some(7), 1), 2);
        let mut out = BytesMut::new();
        lists.write(&mut out);
        let text = String::from_utf8(out.to_vec()).unwrap();
        assert!(text.contains("\\listid1\\listoverridecount1{\\lfolevel"));
        assert!(text.contains("{\\listoverride\\listid3\\listoverridecount0\\ls2}"));
        assert_eq!(text.matches("\\levelstartat7{").count(), 1);
        assert_eq!(text.matches("{\\list\\").count(), 2);
        assert!(lists.bytes() == LEAST_DEFINITION && text.len() > 2 * LEAST_DEFINITION);
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn without_lists_there_are_no_tables() {
        let mut out = BytesMut::new();
        Lists::default().write(&mut out);
        assert!(out.is_empty());
    }
}
