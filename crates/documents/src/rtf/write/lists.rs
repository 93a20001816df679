//! The lists of a document: each its own override of one of two, bullets and numbers.

use bytes::BytesMut;

/// Levels of a list, as many as RTF has; deeper items are on the last.
pub(super) const LEVELS: usize = 9;

/// `\listid` of the lists with bullets and with numbers.
const BULLETS: u32 = 1;
const NUMBERS: u32 = 2;

/// The lists so far. Each may be referred to as `\ls`, from 1.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// The first number of each, or `None` for bullets, and its level.
    starts: Vec<(Option<u64>, usize)>,
}

impl Lists {
    /// Another list; returns its `\ls`.
    pub(super) fn open(&mut self, start: Option<u64>, level: usize) -> usize {
        self.starts.push((start, level));
        self.starts.len()
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Adds the lists of what follows.
    pub(super) fn append(&mut self, next: &Self) {
        self.starts.extend_from_slice(&next.starts);
    }

    /// Appends the list table and the list override table.
    pub(super) fn write(&self, out: &mut BytesMut) {
        if self.starts.is_empty() {
            return;
        }
        out.extend_from_slice(b"{\\*\\listtable\n");
        write_list(out, BULLETS, |out, _| {
            out.extend_from_slice(
                b"\\levelnfc23\\levelnfcn23\\leveljc0\\leveljcn0\\levelfollow0\\levelstartat1",
            );
            out.extend_from_slice(b"{\\leveltext\\'01\\u8226?;}{\\levelnumbers;}");
        });
        write_list(out, NUMBERS, |out, level| {
            out.extend_from_slice(
                b"\\levelnfc0\\levelnfcn0\\leveljc0\\leveljcn0\\levelfollow0\\levelstartat1",
            );
            let text = format!("{{\\leveltext\\'02\\'0{level}.;}}{{\\levelnumbers\\'01;}}");
            out.extend_from_slice(text.as_bytes());
        });
        out.extend_from_slice(b"}\n{\\*\\listoverridetable\n");
        for (index, &(start, level)) in self.starts.iter().enumerate() {
            let id = if start.is_some() { NUMBERS } else { BULLETS };
            let levels = level + 1;
            out.extend_from_slice(format!("{{\\listoverride\\listid{id}").as_bytes());
            out.extend_from_slice(format!("\\listoverridecount{levels}").as_bytes());
            for _ in 0..levels {
                // Starting over is what keeps the lists apart.
                let start = start.unwrap_or(1).min(999_999_999);
                out.extend_from_slice(b"{\\lfolevel\\listoverridestartat\\levelstartat");
                out.extend_from_slice(format!("{start}}}").as_bytes());
            }
            out.extend_from_slice(format!("\\ls{}}}\n", index + 1).as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_list(out: &mut BytesMut, id: u32, level: impl Fn(&mut BytesMut, usize)) {
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
    fn each_list_has_an_override_with_its_start() {
        let mut lists = Lists::default();
        assert_eq!(lists.open(None, 0), 1);
        assert_eq!(lists.open(Some(7), 1), 2);
        let mut out = BytesMut::new();
        lists.write(&mut out);
        let text = String::from_utf8(out.to_vec()).unwrap();
        assert!(text.contains("\\listid1\\listoverridecount1{\\lfolevel"));
        assert!(text.contains("\\levelstartat7}\\ls2}"));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn without_lists_there_are_no_tables() {
        let mut out = BytesMut::new();
        Lists::default().write(&mut out);
        assert!(out.is_empty());
    }
}
