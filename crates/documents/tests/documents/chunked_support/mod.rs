//! What the tests of documents in parts share: conversion in parts, against the whole, and
//! documents to try it on.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

pub(crate) mod rtf;

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::{Bytes, BytesMut};
use millpond::convert::{OneByOne, Report};
use millpond::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};

/// What became of a document that was to be converted in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It was not split.
    Whole,
    /// It was, but its parts turned out not to stand alone, and it was converted whole.
    Again,
    /// It was converted in that many parts.
    Parts(usize),
}

pub(crate) fn options(from: Format, to: Format) -> ConversionOptions {
    ConversionOptions { from: Some(from), to: Some(to), ..ConversionOptions::default() }
}

/// What became of the parts, joined, and what was left out; or why they do not make the whole.
type Joined = Result<(BytesMut, Report), ConvertError>;

/// The document converted in parts, the last first, and joined. `None` if it can't be split, an
/// error if its parts don't make the whole.
fn in_parts(input: &[u8], options: &ConversionOptions, size: usize) -> Option<(usize, Joined)> {
    let converter = DocumentConverter::new();
    let split = converter.split(input, options, size)?;
    let mut parts = vec![BytesMut::new(); split.len()];
    let mut report = Report::default();
    for (part, out) in parts.iter_mut().enumerate().rev() {
        match converter.convert_part(input, &split, part, options, out) {
            Ok(of_part) => report.merge(&of_part),
            Err(error) => return Some((split.len(), Err(error))),
        }
    }
    let mut out = BytesMut::new();
    let joined = converter.join(&split, parts, options, &mut out);
    let joined = joined.map(|of_join| {
        report.merge(&of_join);
        (out, report)
    });
    Some((split.len(), joined))
}

/// Converts in parts and whole, and demands that they are alike.
pub(crate) fn check(input: &[u8], options: &ConversionOptions, size: usize) -> Way {
    let Some((count, parts)) = in_parts(input, options, size) else { return Way::Whole };
    let Ok((parts, report)) = parts else { return Way::Again };
    let mut whole = BytesMut::new();
    match DocumentConverter::new().convert(input, options, &mut whole) {
        Ok(of_whole) if whole == parts && of_whole == report => Way::Parts(count),
        other => panic!(
            "in {count} parts of {size} bytes {} becomes\n{}\nand whole ({other:?})\n{}",
            String::from_utf8_lossy(input),
            String::from_utf8_lossy(&parts),
            String::from_utf8_lossy(&whole),
        ),
    }
}

/// What became of a document that was to be converted while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// As it was read, when all of it was there: nothing was done with before.
    Whole,
    /// It turned out on the way that it can't be.
    NeedsWhole,
    /// Piece by piece.
    Pieces,
    /// It can't be converted whole either.
    Failed,
}

/// Converts through windows that go on by chance, and demands what comes of it whole: all of it, or
/// its beginning and an error; or the same error.
pub(crate) fn check_read(input: &[u8], options: &ConversionOptions, chance: &mut Chance) -> Read {
    let converter = DocumentConverter::new();
    let mut whole = BytesMut::new();
    let expected = converter.convert(input, options, &mut whole);
    let tell = |out: &[u8], what: &dyn std::fmt::Debug| -> String {
        let [input, out, whole] =
            [input, out, &whole[..]].map(|text| String::from_utf8_lossy(text).into_owned());
        format!("{input}\nbecomes\n{out}\n({what:?}), and whole\n{whole}\n({expected:?})")
    };
    let mut out = BytesMut::new();
    let (result, pieces) = read(input, options, chance, &mut out);
    match (result, &expected) {
        (Ok(report), Ok(expected)) => {
            assert_eq!(report, *expected, "{}", tell(&out, &()));
            assert!(out == whole, "{}", tell(&out, &()));
            if pieces { Read::Pieces } else { Read::Whole }
        }
        (Err(error @ ConvertError::NeedsWhole { .. }), Ok(_)) => {
            assert!(whole.starts_with(&out) && pieces, "{}", tell(&out, &error));
            Read::NeedsWhole
        }
        (Err(error), Err(expected)) => {
            let is_same = error.to_string() == expected.to_string();
            assert!(is_same || matches!(error, ConvertError::NeedsWhole { .. }), "{}", tell(&out, &error));
            Read::Failed
        }
        (result, _) => panic!("{}", tell(&out, &result)),
    }
}

/// Appends what is certain; says whether anything was done with before all was there.
fn read(
    input: &[u8],
    options: &ConversionOptions,
    chance: &mut Chance,
    out: &mut BytesMut,
) -> (Result<Report, ConvertError>, bool) {
    let head = input.get(..64).unwrap_or(input);
    let mut conversion = match DocumentConverter::new().incremental(head, options) {
        Ok(Some(conversion)) => conversion,
        // As the processor does.
        Ok(None) => return (DocumentConverter::new().convert(input, options, out), false),
        Err(error) => return (Err(error), false),
    };
    let input = Bytes::copy_from_slice(input);
    let step = *chance.pick(&[1, 3, 30, 300]);
    let (mut done, mut end) = (0, 0);
    loop {
        // Without this it would take quadratic time.
        let more = (chance.below(step) + 1).max((end - done) / 4);
        // The end may only show when nothing follows it.
        let is_last = end == input.len() || (end + more >= input.len() && chance.below(2) == 0);
        end = (end + more).min(input.len());
        let mut next = BytesMut::new();
        match conversion.convert(&input.slice(done..end), is_last, &OneByOne, &mut next) {
            Ok(count) => {
                assert!(count > 0 || next.is_empty() || is_last);
                out.extend_from_slice(&next);
                if is_last {
                    assert_eq!(done + count, input.len());
                    return (Ok(conversion.report()), done > 0);
                }
                done += count;
            }
            Err(error) => return (Err(error), done > 0),
        }
    }
}

/// Both ways that Markdown goes.
pub(crate) fn check_markdown(input: &[u8], size: usize) -> Way {
    let ways = [Format::Html, Format::Rtf].map(|to| check(input, &options(Format::Markdown, to), size));
    // What says whether the parts stand alone is the reading, whatever is written.
    assert_eq!(ways[0], ways[1], "{}", String::from_utf8_lossy(input));
    ways[0]
}

/// Where the sources of the dependencies are; nowhere, if Cargo can't tell.
pub(crate) fn dependencies() -> Vec<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--all-features", "--filter-platform"])
        .arg(host())
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output();
    let Some(metadata) = metadata.ok().filter(|metadata| metadata.status.success()) else {
        println!("the dependencies' sources are not there: what needs them is skipped");
        return Vec::new();
    };
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let outside = packages.filter(|package| !package["source"].is_null());
    let mut folders: Vec<PathBuf> = outside
        .map(|package| Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned())
        .collect();
    folders.sort();
    folders
}

/// The platform that this is built on, as `rustc` calls it.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(version.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// The files in a folder and below whose names end so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(ending) {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

/// The examples of the CommonMark specification, and of what goes beyond it, as the tests of
/// pulldown-cmark have them; a few of our own, where these are not there.
pub(crate) fn examples() -> Vec<String> {
    let name =
        |folder: &&PathBuf| folder.file_name().unwrap().to_string_lossy().starts_with("pulldown-cmark-0");
    let folder = dependencies().iter().find(name).map(|folder| folder.join("tests/suite"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        return OWN.iter().map(|&example| example.to_owned()).collect();
    };
    let mut examples = Vec::new();
    for file in files(&folder, ".rs") {
        let text = std::fs::read_to_string(file).unwrap();
        let quoted = text.split("let original = r##\"").skip(1);
        examples.extend(quoted.filter_map(|rest| Some(rest.split_once("\"##;")?.0.to_owned())));
    }
    assert!(examples.len() > 650, "the specification alone has 652");
    examples
}

/// One for each kind of block and of text.
const OWN: &[&str] = &[
    "Text, *soft* and **loud**.\n",
    "Two lines  \nof text\\\nand three\n",
    "# One\n\n## Two #\n",
    "Under\n=====\n\nlined\n---\n",
    "- a\n- b\n\n  c\n",
    "* a\n\n  * b\n\n      code\n",
    "1. a\n2. b\n   - c\n",
    "7) a\n\n8) b\n",
    "> quoted\nand lazy\n>\n> > deeper\n",
    "> - a\n>\n> b\n",
    "```rust\nlet a = 1;\n\nlet b = 2;\n```\n",
    "~~~\n```\n~~~\n",
    "    code\n\n    more of it\n",
    "- ```\n  code\n\n  more\n  ```\n",
    "***\n",
    "<div>\n*a*\n\n*b*\n</div>\n",
    "<!-- a\n\nb -->\nc\n",
    "<pre>\n\na\n</pre>\n",
    "a <b>c</b> <!-- d --> &amp; &copy;\n",
    "[inline](/a \"title\") ![image](/b)\n",
    "<http://a.example> \\*a\\* `` b ` c ``\n",
    "[foo] and [bar][foo] and [nothing]\n",
    "[foo]: /a 'title'\n",
    "[foo]: /a 'title'\n\n[foo], [Foo][], ![foo]\n",
    "| a | b |\n|---|:-:|\n| c | d |\n",
    "~~gone~~ a_b_c ***both***\n",
    "- [ ] to do\n- [x] done\n",
    "note[^1]\n\n[^1]: said\n",
    "\u{a0}\u{2028}text \u{65e5}\u{672c}\n",
    "a\tb\n\n\tc\n",
];

/// Numbers by chance, the same each time. (SplitMix64.)
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
