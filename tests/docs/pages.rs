//! The built pages: every link to another of them, and every anchor, exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

use crate::{assert_none, files, markdown, on_docs_rs, pages_folder, resolve, root};

/// Beginnings of links that the documentation of a dependency brings along where its items are inlined. They lead nowhere where that
/// documentation is not built: dependencies without `html_root_url`, and one link that `tracing` wrote by hand.
const FOREIGN: [&str; 8] = [
    "%60Self::split_off()%60",
    "AsyncWrite::",
    "AsyncWriteExt::",
    "BytesMut::",
    "Stream::",
    "TryFuture::",
    "dispatcher#",
    "futures_core::",
];

/// Pages of rustdoc's own, which link to an index of all packages that stable rustdoc does not write.
const OF_RUSTDOC: [&str; 2] = ["help.html", "settings.html"];

/// A folder of scripts, in which traits without an implementation have none.
const IMPLEMENTATIONS: &str = "/trait.impl/";

/// What is in a page.
#[derive(Debug, Default)]
struct Page {
    links: BTreeSet<String>,
    anchors: BTreeSet<String>,
    /// The page leads on to this one, with the fragment that it was called with.
    leads_to: Option<String>,
}

impl Page {
    fn parse(html: &str) -> Self {
        let mut page = Self::default();
        // What is in a script is no tag.
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            let Token::StartTag(tag) = token else { continue };
            for (name, value) in &tag.attributes {
                let value = String::from_utf8_lossy(value).into_owned();
                match &name[..] {
                    b"id" => _ = page.anchors.insert(value),
                    b"href" | b"src" => _ = page.links.insert(value),
                    b"content" => {
                        page.leads_to = value.strip_prefix("0;URL=").map(String::from).or(page.leads_to);
                    }
                    _ => {}
                }
            }
        }
        page
    }

    /// Whether a browser finds this fragment. rustdoc's script finds a range of lines in a source page.
    fn has(&self, fragment: &str) -> bool {
        let range = || fragment.split_once('-').is_some_and(|(a, b)| self.is_line(a) && self.is_line(b));
        fragment.is_empty() || self.anchors.contains(fragment) || range()
    }

    fn is_line(&self, text: &str) -> bool {
        text.parse::<u32>().is_ok() && self.anchors.contains(text)
    }
}

/// All pages, each parsed when it is first asked for.
struct Pages {
    folder: PathBuf,
    pages: BTreeMap<PathBuf, OnceLock<Page>>,
}

impl Pages {
    fn in_folder(folder: PathBuf) -> Self {
        let pages = files(&folder, "html").into_iter().map(|path| (path, OnceLock::new())).collect();
        Self { folder, pages }
    }

    fn page(&self, path: &Path) -> Option<&Page> {
        let parse = || Page::parse(&fs::read_to_string(path).unwrap());
        self.pages.get(path).map(|page| page.get_or_init(parse))
    }

    /// What is wrong with a link, if it is one to these pages.
    fn offence(&self, from: &Path, link: &str) -> Option<String> {
        let link = link.split_once('?').map_or(link, |(page, _)| page);
        let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
        let target = if let Some(page) = on_docs_rs(path) {
            resolve(&self.folder, page)
        } else if is_external(path) {
            return None;
        } else if path.is_empty() {
            from.to_path_buf()
        } else {
            resolve(from.parent()?, path)
        };
        let target = if target.is_dir() { target.join("index.html") } else { target };
        let target = self.final_target(target);
        let offence = match self.page(&target) {
            Some(page) if page.has(fragment) => return None,
            Some(_) => "has no such anchor",
            None if fragment.is_empty() && target.is_file() => return None,
            None => "is not there",
        };
        Some(format!("{}: `{link}`: {} {offence}", short(from), short(&target)))
    }

    /// The page that a page of a private module leads to, if it is one.
    fn final_target(&self, target: PathBuf) -> PathBuf {
        let next = self.page(&target).and_then(|page| page.leads_to.as_deref());
        match (next, target.parent()) {
            (Some(next), Some(folder)) => resolve(folder, next),
            _ => target,
        }
    }

    fn offences(&self) -> Vec<String> {
        let own = |path: &&PathBuf| !OF_RUSTDOC.iter().any(|name| **path == self.folder.join(name));
        let offences = self.pages.keys().filter(own).flat_map(|path| {
            let links = self.page(path).map(|page| &page.links).into_iter().flatten();
            let links = links.filter(|link| !is_foreign(link) && !link.contains(IMPLEMENTATIONS));
            links.filter_map(|link| self.offence(path, link))
        });
        offences.collect()
    }
}

/// What `make doc` has built.
static BUILT: LazyLock<Pages> = LazyLock::new(|| Pages::in_folder(pages_folder()));

fn is_foreign(link: &str) -> bool {
    FOREIGN.iter().any(|start| link.starts_with(start))
}

fn is_external(path: &str) -> bool {
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_lowercase()))
        || path.starts_with("//")
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Run by `make doc`, which builds the pages.
#[test]
#[ignore = "needs the built documentation: run `make doc`"]
fn every_link_of_the_built_pages_leads_somewhere() {
    for page in ["millpond/index.html", "millpond/guide/index.html", "millpond_documents/index.html"] {
        assert!(BUILT.folder.join(page).is_file(), "{page} was not built");
    }
    assert_none(BUILT.offences());
}

/// Run by `make doc`.
#[test]
#[ignore = "needs the built documentation: run `make doc`"]
fn links_of_the_repository_to_docs_rs_name_pages_that_are_built() {
    let links = markdown::links_in_repository();
    let checked: Vec<_> = links.iter().filter(|(_, link)| on_docs_rs(link).is_some()).collect();
    assert!(!checked.is_empty(), "the README links to the guides");
    assert_none(checked.into_iter().filter_map(|(from, link)| BUILT.offence(from, link)).collect());
}

/// Run by `make doc`.
#[test]
#[ignore = "needs the built documentation: run `make doc`"]
fn every_allowance_is_used() {
    let used = |start: &str| {
        let mut links = BUILT.pages.keys().flat_map(|path| &BUILT.page(path).unwrap().links);
        links.any(|link| link.starts_with(start))
    };
    assert_none(
        FOREIGN.iter().filter(|start| !used(start)).map(|start| format!("unused: {start}")).collect(),
    );
}

mod it_can_fail {
    use super::*;

    /// A folder of pages: `a/index.html` with this body, and `src/b.rs.html` with two lines.
    fn offences(name: &str, body: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        for (file, text) in [("a/index.html", body), ("src/b.rs.html", "<a id=1>1</a><a id=\"2\">2</a>")] {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Pages::in_folder(folder).offences()
    }

    #[test]
    fn on_a_page_or_an_anchor_that_is_not_there() {
        let body = "<a href='c.html'>x</a><a href=\"../src/b.rs.html#3\">x</a><a href=#x>x</a>\
            <a href=../src/b.rs.html#1-3>x</a>";
        assert_eq!(offences("broken", body).len(), 4);
        assert_eq!(offences("guide", "<a href=scaling.md>x</a>").len(), 1);
        assert_eq!(offences("docs_rs", "<a href=https://docs.rs/millpond/latest/a/c.html>x</a>").len(), 1);
    }

    #[test]
    fn but_not_on_links_that_hold() {
        let body = "<h2 id='x'>x</h2><a href='#x'>x</a><a href=../src/b.rs.html#1-2>x</a><a href='../a/'>x</a>\
            <a href='https://example.com/x#y'>x</a><a href=https://docs.rs/millpond/latest/a/index.html#x>x</a>\
            <!-- <a href=c.html> --><script>let s = '<a href=c.html>';</script>";
        assert_eq!(offences("whole", body), Vec::<String>::new());
    }
}
