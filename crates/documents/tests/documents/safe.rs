//! HTML that is safe: whatever is in the document, nothing in it runs.

use crate::chunked_support::{Chance, check, check_read};
use crate::support::{convert, convert_with, html, rtf, shown, there_and_back};
use millpond::convert::{ConversionOptions, Format, HtmlPolicy};

fn safe() -> ConversionOptions {
    ConversionOptions {
        from: Some(Format::Markdown),
        to: Some(Format::Html),
        html: HtmlPolicy::Safe,
        ..ConversionOptions::default()
    }
}

fn safe_html(markdown: &str) -> String {
    convert_with(markdown.as_bytes(), safe()).unwrap()
}

/// Markdown that runs something if it is written as it is, each in a way of its own.
const VECTORS: &[&str] = &[
    // Addresses of links.
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a]( javascript:alert(1) )",
    "[a](\tjavascript:alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "[a](java&#10;script:alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a](java&NewLine;script:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](&#x6A;avascript:alert(1))",
    "[a](&#0000106avascript&#58;alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](javascript&#58;alert(1))",
    "[a](javascript\\:alert(1))",
    "[a](\\javascript:alert(1))",
    "[a](&#1;javascript:alert(1))",
    "[a](&#x20;javascript:alert(1))",
    "[a](&#xAD;javascript:alert(1))",
    "[a](java&#x200B;script:alert(1))",
    "[a](&#xFEFF;javascript:alert(1))",
    "[a](javascript:/*%0A*/alert(1))",
    "[a](javascript://%0aalert(1))",
    "[a](javascript://a.example/%0aalert(1))",
    "[a](vbscript:msgbox(1))",
    "[a](livescript:alert(1))",
    "[a](mocha:alert(1))",
    "[a](data:text/html,<script>alert(1)</script>)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](data:image/svg+xml,%3Csvg%20onload=alert(1)%3E)",
    "[a](file:///etc/passwd)",
    "[a](blob:https://a.example/1)",
    "[a](view-source:javascript:alert(1))",
    "[a](feed:javascript:alert(1))",
    "[a](jar:javascript:alert(1)!/)",
    "[a](ms-msdt:/id)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "[b]\n\n[b]: <java\tscript:alert(1)> 'c'",
    "[b][]\n\n[B]: data:text/html,x",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<data:text/html,x>",
    "<vbscript:x>",
    "[![a](b)](javascript:alert(1))",
    "[a](http://b.example \"c\" onclick=alert(1))",
    "[a](http://b.example/\"onclick=\"alert(1))",
    "[a](http://b.example \"c\\\" onmouseover=alert(1) \\\"\")",
    "[a](http://b.example '\"><script>alert(1)</script>')",
    "[a](http://b.example/'><script>alert(1)</script>)",
    // Pictures.
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "![a\" onerror=\"alert(1)](b)",
    "![a](b\"onerror=\"alert(1))",
    "![a](b \"c\\\" onerror=alert(1) d=\\\"\")",
    "![`\"><script>alert(1)</script>`](b)",
    "![<img src=x onerror=alert(1)>](b)",
    "![a][b]\n\n[b]: vbscript:x",
    // Raw HTML in a line.
    "a <script>alert(1)</script> b",
    "a <SCRIPT SRC=//b.example></SCRIPT>",
    "a <script/>alert(1)</script>",
    "a <script\n>alert(1)</script\n>",
    "a <b onclick=alert(1)>b</b>",
    "a <B ONMOUSEOVER='alert(1)'>b</B>",
    "a <sub/onclick=alert(1)>b</sub>",
    "a <img src=x onerror=alert(1)>",
    "a <svg onload=alert(1)>",
    "a <svg><animate onbegin=alert(1)></svg>",
    "a <a href=\"javascript:alert(1)\">b</a>",
    "a <iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "a <style>@import 'javascript:alert(1)'</style>",
    "a <br style=\"x:expression(alert(1))\">",
    "a <math><mi xlink:href=\"javascript:alert(1)\">b</mi></math>",
    "a <input autofocus onfocus=alert(1)>",
    "a <details open ontoggle=alert(1)>",
    "a <form action=javascript:alert(1)><button>b</button></form>",
    "a <video><source onerror=alert(1)></video>",
    "a <body onload=alert(1)>",
    "a <meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "a <base href=//b.example>",
    "a <link rel=stylesheet href=//b.example>",
    "a <object data=javascript:alert(1)></object>",
    "a <embed src=javascript:alert(1)>",
    "a <template><script>alert(1)</script></template>",
    "a <noscript><p title=\"</noscript><script>alert(1)</script>\"></noscript>",
    "a <!-- <script>alert(1)</script> -->",
    "a <!--><script>alert(1)</script>",
    "a <![CDATA[<script>alert(1)</script>]]>",
    "a <?php <script>alert(1)</script> ?>",
    "a <!A <script>alert(1)</script>",
    "a <<script>alert(1)</script>",
    "a <script <b>alert(1)</b>",
    "a </script><script>alert(1)",
    "a <x-y onpointerenter=alert(1)>",
    // Blocks of it.
    "<script>\nalert(1)\n\nalert(2)\n</script>",
    "<script src=//b.example>",
    "<style>\n* { background: url(javascript:alert(1)) }\n</style>",
    "<div onclick=alert(1)>\n<b onclick=alert(1)>b</b>\n</div>",
    "<iframe src=javascript:alert(1)>\n</iframe>",
    "<svg>\n<script>alert(1)</script>\n</svg>",
    "<textarea>\n</textarea><script>alert(1)</script>",
    "<pre><script>alert(1)</script></pre>",
    "<!-- a\n-->\n<script>alert(1)</script>",
    "<!-- a -- ><script>alert(1)</script>",
    "<div>&lt;script&gt;alert(1)&lt;/script&gt;</div>",
    "<table><tr><td background=javascript:alert(1)>a</table>",
    "<div\n\n<script>alert(1)</script>",
    "- <img src=x\n  onerror=alert(1)>",
    "> <script>\n> alert(1)",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    // Other places that are written to attributes.
    "# a {#b onclick=alert(1)}",
    "# a {#b\"onclick=\"alert(1)}",
    "# a\"><script>alert(1)</script>",
    "``` \"><script>alert(1)</script>\na\n```",
    "``` a\"onclick=\"alert(1)\nb\n```",
    "[^a\"onclick=\"b]\n\n[^a\"onclick=\"b]: c",
    "[^<script>]\n\n[^<script>]: c",
    "`<script>alert(1)</script>`",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "$<script>alert(1)</script>$",
    "$$\"><img src=x onerror=alert(1)>$$",
    "https://a.example/\"onclick=\"alert(1)",
    "https://a.example/'><script>alert(1)</script>",
    "www.a.example/<script>alert(1)</script>",
    "javascript://a.example/%0aalert(1)",
    "> [!NOTE]\n> <script>alert(1)</script>",
];

/// What tags there may be, and what attributes of each.
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href", "title"]),
    ("img", &["src", "alt", "title"]),
    ("input", &["disabled", "type", "checked"]),
    ("code", &["class"]),
    ("div", &["class", "id"]),
    ("blockquote", &["class"]),
    ("ol", &["start"]),
    ("td", &["style"]),
    ("th", &["style"]),
    ("h1", &["id", "class"]),
    ("sup", &["class"]),
    ("p", &[]),
    ("b", &[]),
    ("s", &[]),
    ("u", &[]),
    ("i", &[]),
    ("em", &[]),
    ("del", &[]),
    ("sub", &[]),
    ("br", &[]),
    ("hr", &[]),
    ("ul", &[]),
    ("li", &[]),
    ("pre", &[]),
    ("strong", &[]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
];

/// Goes through the tags as a browser does, and demands that each is allowed.
fn demand_safe(html: &str, of: &str) {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let tag = tag.strip_prefix('/').unwrap_or(tag);
        let len = tag.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, mut attributes) = tag.split_at(len);
        let allowed = ALLOWED.iter().find(|(known, _)| *known == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("<{name}> in {html}\nof {of}"));
        loop {
            attributes = attributes.trim_start().trim_start_matches('/');
            if let Some(after) = attributes.strip_prefix('>') {
                rest = after;
                break;
            }
            let (name, value) =
                attributes.split_once("=\"").unwrap_or_else(|| panic!("{attributes} in {html}"));
            let (value, after) = value.split_once('"').unwrap();
            assert!(allowed.contains(&name), "{name} in {html}\nof {of}");
            if matches!(name, "href" | "src") {
                let value = value.to_lowercase();
                let is_relative = !value.split(['/', '?', '#']).next().unwrap().contains(':');
                let schemes = ["http:", "https:", "mailto:", "tel:", "ftp:"];
                assert!(
                    is_relative || schemes.iter().any(|scheme| value.starts_with(scheme)),
                    "{value} of {of}"
                );
            }
            attributes = after;
        }
    }
}

#[test]
fn nothing_runs() {
    assert!(VECTORS.len() >= 100);
    for vector in VECTORS {
        for text in
            [vector.to_string(), format!("Before.\n\n{vector}\n\nAfter.\n"), vector.replace('\n', "\r\n")]
        {
            demand_safe(&safe_html(&text), vector);
        }
    }
    let all = VECTORS.join("\n\n");
    demand_safe(&safe_html(&all), "all");
}

#[test]
fn nothing_runs_in_parts_or_while_it_is_read() {
    let mut chance = Chance(9);
    for vector in VECTORS {
        let text = format!("Before.\n\n{vector}\n\nAfter <u>a\n\nEnd.\n");
        check(text.as_bytes(), &safe(), 1);
        check_read(text.as_bytes(), &safe(), &mut chance);
    }
}

/// Of RTF, anything: what the text says is text.
#[test]
fn rtf_becomes_safe_html() {
    let link = br#"{\rtf1\ansi{\field{\*\fldinst{HYPERLINK "javascript:alert(1)"}}{\fldrslt click}}\par}"#;
    assert_eq!(convert(link, Format::Rtf, Format::Html).unwrap(), "<p>click</p>\n");
    let raw = ConversionOptions { to: Some(Format::Html), html: HtmlPolicy::Raw, ..Default::default() };
    assert!(convert_with(link, raw).unwrap().contains("javascript:"));
    for vector in VECTORS {
        let text: String = vector.chars().map(|c| format!("\\u{}?", c as u32 as i16)).collect();
        let html = convert(format!("{{\\rtf1 {text}\\par}}").as_bytes(), Format::Rtf, Format::Html).unwrap();
        demand_safe(&html, vector);
    }
    let looks = br"{\rtf1 a {\ul b} {\super c} {\sub d}\line e\par}";
    assert_eq!(
        convert(looks, Format::Rtf, Format::Html).unwrap().replace("<br />\n", "<br />"),
        "<p>a <u>b</u> <sup>c</sup> <sub>d</sub><br />e</p>\n"
    );
}

#[test]
fn what_is_safe_stays() {
    for (markdown, expected) in [
        ("[a](javascript:alert(1))", "<p>a</p>\n"),
        ("![a *b*](data:x)", "<p>a <em>b</em></p>\n"),
        (
            "[a](b \"c\") [d](#e) [f](mailto:g@h)",
            "<p><a href=\"b\" title=\"c\">a</a> <a href=\"#e\">d</a> <a href=\"mailto:g@h\">f</a></p>\n",
        ),
        ("a <u>b</u> H<sub>2</sub>O<br>c", "<p>a <u>b</u> H<sub>2</sub>O<br />c</p>\n"),
        ("a <b onclick=c>d", "<p>a <b>d</b></p>\n"),
        ("a <script>b</script> c", "<p>a  c</p>\n"),
        ("a <span>b</span> c </u>", "<p>a b c </p>\n"),
        ("<div>\n<p>a <b>b</b></p>c &amp; d\n</div>\n", "<p>a <b>b</b></p><p>c &amp; d </p>\n"),
        ("# a {#b .c}", "<h1 id=\"b\" class=\"c\">a</h1>\n"),
    ] {
        assert_eq!(safe_html(markdown).replace("</p>\n<p>", "</p><p>"), expected, "{markdown}");
    }
}

#[test]
fn markdown_is_raw_unless_it_is_asked_for() {
    for vector in ["[a](javascript:alert\\(1\\))", "a <b onclick=\"c\">d</b>", "<script>\na\n</script>"] {
        let raw = html(vector);
        assert!(raw.contains("javascript:") || raw.contains(vector.lines().next().unwrap()), "{raw}");
        assert_ne!(raw, safe_html(vector));
    }
}

#[test]
fn the_text_of_scripts_is_not_text_in_rtf() {
    assert_eq!(there_and_back("a <script>alert(1)</script> b\n"), "a  b\n");
    for (markdown, text) in [
        ("a <style>b</style> *c*\n", "a c"),
        ("a <SCRIPT type=x>*b* `c` [d](e)\nf</SCRIPT >g\n", "a g"),
        ("a <script>b\n\nc\n", "a c"),
        ("a <svg>b</svg> <template>c</template>d <iframe>e</iframe>\n", "a d"),
        ("a <script>b</style>c</script>d\n", "a d"),
        ("a </script>b\n", "a b"),
        ("<script>a</script>\n\nb\n", "b"),
    ] {
        let back = shown(&there_and_back(markdown));
        assert_eq!(back.split_whitespace().collect::<Vec<_>>().join(" "), text, "{}", rtf(markdown));
    }
}
