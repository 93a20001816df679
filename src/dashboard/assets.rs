//! The files of the page, which are part of the program.

/// A file: its name, its media type and its text.
pub(super) type Asset = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page. `{base}` stands for where the files are, as seen from the page.
pub(super) const PAGE: &str = include_str!("assets/page.html");

/// Each file of the page.
pub(super) const ASSETS: [Asset; 19] = [
    ("style.css", STYLE, include_str!("assets/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("alternatives.js", SCRIPT, include_str!("assets/js/alternatives.js")),
    ("announce.js", SCRIPT, include_str!("assets/js/announce.js")),
    ("canvas.js", SCRIPT, include_str!("assets/js/canvas.js")),
    ("charts.js", SCRIPT, include_str!("assets/js/charts.js")),
    ("colours.js", SCRIPT, include_str!("assets/js/colours.js")),
    ("dom.js", SCRIPT, include_str!("assets/js/dom.js")),
    ("format.js", SCRIPT, include_str!("assets/js/format.js")),
    ("heat.js", SCRIPT, include_str!("assets/js/heat.js")),
    ("history.js", SCRIPT, include_str!("assets/js/history.js")),
    ("lanes.js", SCRIPT, include_str!("assets/js/lanes.js")),
    ("main.js", SCRIPT, include_str!("assets/js/main.js")),
    ("panels.js", SCRIPT, include_str!("assets/js/panels.js")),
    ("stream.js", SCRIPT, include_str!("assets/js/stream.js")),
    ("theme.js", SCRIPT, include_str!("assets/js/theme.js")),
    ("uPlot.iife.min.js", SCRIPT, include_str!("assets/vendor/uplot/uPlot.iife.min.js")),
    ("uPlot.min.css", STYLE, include_str!("assets/vendor/uplot/uPlot.min.css")),
    ("uPlot.LICENSE.txt", "text/plain; charset=utf-8", include_str!("assets/vendor/uplot/LICENSE")),
];
