//! Real RTF files, which are not ours to keep: `scripts/check-rtf` fetches them and runs this.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use bytes::BytesMut;
use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// How alike the words must be on average. What is missing to 1 is known: see `docs/converters.md`.
const WANTED: f64 = 0.94;

/// Converts each `*.rtf` in the folder that `MILLPOND_RTF_FILES` names, and compares its words with those of the
/// `*.txt` beside it, which another reader made of it.
#[test]
#[ignore = "needs files that are not part of the project; see scripts/check-rtf"]
fn words_of_real_files_are_those_that_another_reader_finds() {
    let folder = env::var_os("MILLPOND_RTF_FILES").expect("MILLPOND_RTF_FILES names a folder");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rtf"));
    files.sort();
    let mut scores = Vec::new();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        match (convert(file), fs::read_to_string(file.with_extension("txt"))) {
            (Ok(markdown), Ok(expected)) => {
                fs::write(file.with_extension("md"), &markdown).unwrap();
                let score = similarity(&words(&markdown), &words(&expected));
                println!("{score:.3} {name}");
                scores.push(score);
            }
            // Templates and the like, which are only the middle of a document.
            (Err(ConvertError::Malformed { offset: 0, .. }), _) => println!("  -   {name}: no document"),
            (Err(error), _) => panic!("{name}: {error}"),
            (_, Err(error)) => println!("  -   {name}: nothing to compare with: {error}"),
        }
    }
    assert!(!scores.is_empty(), "there are no files");
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    println!("mean {mean:.3} of {} files", scores.len());
    assert!(mean >= WANTED, "{mean:.3} is less than {WANTED}");
}

fn convert(file: &Path) -> Result<String, ConvertError> {
    let mut out = BytesMut::new();
    let input = fs::read(file).map_err(ConvertError::other)?;
    let options = ConversionOptions { from: Some(Format::Rtf), ..ConversionOptions::default() };
    DocumentConverter::default().convert(&input, &options, &mut out)?;
    String::from_utf8(out.to_vec()).map_err(ConvertError::other)
}

/// The words of a text, tags and addresses aside, each with how often it is there.
fn words(text: &str) -> HashMap<String, usize> {
    let mut shown = String::new();
    let extensions = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_ext(text, extensions) {
        match event {
            Event::Text(text) | Event::Code(text) => shown.push_str(&text),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link)
            | Event::InlineHtml(_) => {}
            _ => shown.push(' '),
        }
    }
    let mut counts = HashMap::new();
    for word in shown.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}

/// Twice the words in common by the words in all: 1 if they are the same.
fn similarity(a: &HashMap<String, usize>, b: &HashMap<String, usize>) -> f64 {
    let common: usize = a.iter().map(|(word, &n)| n.min(b.get(word).copied().unwrap_or(0))).sum();
    let all = a.values().sum::<usize>() + b.values().sum::<usize>();
    if all == 0 { 1.0 } else { 2.0 * common as f64 / all as f64 }
}
