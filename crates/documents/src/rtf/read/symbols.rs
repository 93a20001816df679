//! The glyphs of symbol fonts as Unicode.
//!
//! The mappings are those of Adobe (`symbol.txt`, `zdingbat.txt`) and of the Unicode Consortium for
//! Wingdings and Webdings. Where a glyph such as a check mark, square or arrow has an older
//! character that more fonts contain, that one is used.

/// The glyphs 0x20 to 0xFF of a font. U+FFFD: Unicode has no such character.
pub(super) type Symbols = [char; 224];

/// A symbol font.
#[derive(Debug, Clone, Copy)]
pub(super) enum SymbolFont {
    Table(&'static Symbols),
    /// Zapf Dingbats, whose positions are nearly those of a Unicode block.
    Dingbats,
    /// An unknown symbol font: its letters are not letters.
    Unknown,
}

impl SymbolFont {
    /// Returns the known symbol font with that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "symbol"
            | "symbol mt"
            | "symbolmt"
            | "symbolps"
            | "standard symbols l"
            | "standard symbols ps" => Self::Table(&SYMBOL),
            "wingdings" => Self::Table(&WINGDINGS),
            "wingdings 2" => Self::Table(&WINGDINGS_2),
            "wingdings 3" => Self::Table(&WINGDINGS_3),
            "webdings" => Self::Table(&WEBDINGS),
            "zapf dingbats" | "zapfdingbats" | "itc zapf dingbats" | "monotype sorts" => Self::Dingbats,
            _ => return None,
        })
    }

    /// Returns the character of a glyph position. Control characters are unchanged.
    pub(super) fn character(self, place: u8) -> char {
        let Some(at) = place.checked_sub(0x20) else { return char::from(place) };
        match self {
            Self::Table(table) => table.get(usize::from(at)).copied().unwrap_or('\u{fffd}'),
            Self::Dingbats => dingbat(place),
            // List bullets, as in most of these fonts.
            Self::Unknown => match place {
                b' ' => ' ',
                0xb7 => '•',
                0xa7 => '▪',
                _ => '\u{fffd}',
            },
        }
    }
}

/// List marks in the private use area to which symbol fonts are mapped, for text in any other font.
pub(super) fn list_mark(place: u8) -> Option<char> {
    Some(match place {
        0xb7 => '•',
        0xa7 => '▪',
        0xd8 => '➢',
        0xfc => '✓',
        _ => return None,
    })
}

fn dingbat(place: u8) -> char {
    let scalar = match u32::from(place) {
        0x20 => 0x20,
        0x25 => 0x260e,
        0x2a => 0x261b,
        0x2b => 0x261e,
        0x48 => 0x2605,
        0x6c => 0x25cf,
        0x6e => 0x25a0,
        0x73 => 0x25b2,
        0x74 => 0x25bc,
        0x75 => 0x25c6,
        0x77 => 0x25d7,
        place @ (0x21..=0x7e | 0xa1..=0xa7 | 0xd4) => 0x26e0 + place - if place >= 0xa1 { 0x20 } else { 0 },
        place @ 0x80..=0x8d => 0x2768 + place - 0x80,
        0xa8 => 0x2663,
        0xa9 => 0x2666,
        0xaa => 0x2665,
        0xab => 0x2660,
        place @ 0xac..=0xb5 => 0x2460 + place - 0xac,
        place @ 0xb6..=0xd3 => 0x2776 + place - 0xb6,
        0xd5 => 0x2192,
        0xd6 => 0x2194,
        0xd7 => 0x2195,
        place @ (0xd8..=0xef | 0xf1..=0xfe) => 0x2798 + place - 0xd8,
        _ => 0xfffd,
    };
    char::from_u32(scalar).unwrap_or('\u{fffd}')
}

/// Symbol.
#[rustfmt::skip]
static SYMBOL: Symbols = [
    ' ', '!', '∀', '#', '∃', '%', '&', '∋', '(', ')', '∗', '+', ',', '−', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '≅', 'Α', 'Β', 'Χ', 'Δ', 'Ε', 'Φ', 'Γ', 'Η', 'Ι', 'ϑ', 'Κ', 'Λ', 'Μ', 'Ν', 'Ο',
    'Π', 'Θ', 'Ρ', 'Σ', 'Τ', 'Υ', 'ς', 'Ω', 'Ξ', 'Ψ', 'Ζ', '[', '∴', ']', '⊥', '_',
    '‾', 'α', 'β', 'χ', 'δ', 'ε', 'φ', 'γ', 'η', 'ι', 'ϕ', 'κ', 'λ', 'μ', 'ν', 'ο',
    'π', 'θ', 'ρ', 'σ', 'τ', 'υ', 'ϖ', 'ω', 'ξ', 'ψ', 'ζ', '{', '|', '}', '∼', '\u{fffd}',
    '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}',
    '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}',
    '€', 'ϒ', '′', '≤', '⁄', '∞', 'ƒ', '♣', '♦', '♥', '♠', '↔', '←', '↑', '→', '↓',
    '°', '±', '″', '≥', '×', '∝', '∂', '•', '÷', '≠', '≡', '≈', '…', '⏐', '⎯', '↵',
    'ℵ', 'ℑ', 'ℜ', '℘', '⊗', '⊕', '∅', '∩', '∪', '⊃', '⊇', '⊄', '⊂', '⊆', '∈', '∉',
    '∠', '∇', '®', '©', '™', '∏', '√', '⋅', '¬', '∧', '∨', '⇔', '⇐', '⇑', '⇒', '⇓',
    '◊', '〈', '®', '©', '™', '∑', '⎛', '⎜', '⎝', '⎡', '⎢', '⎣', '⎧', '⎨', '⎩', '⎪',
    '\u{fffd}', '〉', '∫', '⌠', '⎮', '⌡', '⎞', '⎟', '⎠', '⎤', '⎥', '⎦', '⎫', '⎬', '⎭', '\u{fffd}',
];

/// Wingdings.
#[rustfmt::skip]
static WINGDINGS: Symbols = [
    ' ', '🖉', '✂', '✁', '👓', '🕭', '🕮', '🕯', '🕿', '✆', '🖂', '🖃', '📪', '📫', '📬', '📭',
    '🗀', '🗁', '🗎', '🗏', '🗐', '🗄', '⌛', '🖮', '🖰', '🖲', '🖳', '🖴', '🖫', '🖬', '✇', '✍',
    '🖎', '✌', '🖏', '👍', '👎', '☜', '☞', '☝', '☟', '🖐', '☺', '😐', '☹', '💣', '🕱', '🏳',
    '🏱', '✈', '☼', '🌢', '❄', '🕆', '✞', '🕈', '✠', '✡', '☪', '☯', '🕉', '☸', '♈', '♉',
    '♊', '♋', '♌', '♍', '♎', '♏', '♐', '♑', '♒', '♓', '🙰', '🙵', '●', '🔾', '■', '□',
    '🞐', '❑', '❒', '🞟', '⧫', '◆', '❖', '⬩', '⌧', '⮹', '⌘', '🏵', '🏶', '🙶', '🙷', '▯',
    '🄋', '➀', '➁', '➂', '➃', '➄', '➅', '➆', '➇', '➈', '➉', '🄌', '➊', '➋', '➌', '➍',
    '➎', '➏', '➐', '➑', '➒', '➓', '🙢', '🙠', '🙡', '🙣', '🙞', '🙜', '🙝', '🙟', '∙', '•',
    '⬝', '⭘', '🞆', '🞈', '🞊', '🞋', '🔿', '▪', '☐', '🟁', '🟅', '★', '🟋', '🟏', '🟓', '🟑',
    '⯐', '⌖', '⯎', '⯏', '⯑', '✪', '✰', '🕐', '🕑', '🕒', '🕓', '🕔', '🕕', '🕖', '🕗', '🕘',
    '🕙', '🕚', '🕛', '⮰', '⮱', '⮲', '⮳', '⮴', '⮵', '⮶', '⮷', '🙪', '🙫', '🙕', '🙔', '🙗',
    '🙖', '🙐', '🙑', '🙒', '🙓', '⌫', '⌦', '⮘', '➢', '⮙', '⮛', '⮈', '⮊', '⮉', '⮋', '🡨',
    '🡪', '🡩', '🡫', '🡬', '🡭', '🡯', '🡮', '🡸', '🡺', '🡹', '🡻', '🡼', '🡽', '🡿', '🡾', '⇦',
    '⇨', '⇧', '⇩', '⬄', '⇳', '⬁', '⬀', '⬃', '⬂', '🢬', '🢭', '✗', '✓', '☒', '☑', '\u{fffd}',
];

/// Wingdings 2.
#[rustfmt::skip]
static WINGDINGS_2: Symbols = [
    ' ', '🖊', '🖋', '🖌', '🖍', '✄', '✀', '🕾', '🕽', '🗅', '🗆', '🗇', '🗈', '🗉', '🗊', '🗋',
    '🗌', '🗍', '📋', '🗑', '🗔', '🖵', '🖶', '🖷', '🖸', '🖭', '🖯', '🖱', '🖒', '🖓', '🖘', '🖙',
    '🖚', '🖛', '👈', '👉', '🖜', '🖝', '🖞', '🖟', '🖠', '🖡', '👆', '👇', '🖢', '🖣', '🖑', '🗴',
    '🗸', '🗵', '☑', '⮽', '☒', '⮾', '⮿', '🛇', '⦸', '🙱', '🙴', '🙲', '🙳', '‽', '🙹', '🙺',
    '🙻', '🙦', '🙤', '🙥', '🙧', '🙚', '🙘', '🙙', '🙛', '⓪', '①', '②', '③', '④', '⑤', '⑥',
    '⑦', '⑧', '⑨', '⑩', '⓿', '❶', '❷', '❸', '❹', '❺', '❻', '❼', '❽', '❾', '❿', '\u{fffd}',
    '☉', '🌕', '☽', '☾', '⸿', '✝', '🕇', '🕜', '🕝', '🕞', '🕟', '🕠', '🕡', '🕢', '🕣', '🕤',
    '🕥', '🕦', '🕧', '🙨', '🙩', '⋅', '🞄', '⦁', '●', '○', '🞅', '🞇', '🞉', '⊙', '⦿', '🞌',
    '🞍', '◾', '■', '□', '🞑', '🞒', '🞓', '🞔', '▣', '🞕', '🞖', '🞗', '🞘', '⬩', '⬥', '◇',
    '🞚', '◈', '🞛', '🞜', '🞝', '🞞', '⬪', '⬧', '◊', '🞠', '◖', '◗', '⯊', '⯋', '⯀', '⯁',
    '⬟', '⯂', '⬣', '⬢', '⯃', '⯄', '🞡', '🞢', '🞣', '🞤', '🞥', '🞦', '🞧', '🞨', '🞩', '🞪',
    '🞫', '🞬', '🞭', '🞮', '🞯', '🞰', '🞱', '🞲', '🞳', '🞴', '🞵', '🞶', '🞷', '🞸', '🞹', '🞺',
    '🞻', '🞼', '🞽', '🞾', '🞿', '🟀', '🟂', '🟄', '🟆', '🟉', '🟊', '✶', '🟌', '🟎', '🟐', '🟒',
    '✹', '🟃', '🟇', '✯', '🟍', '🟔', '⯌', '⯍', '※', '⁂', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}',
];

/// Wingdings 3.
#[rustfmt::skip]
static WINGDINGS_3: Symbols = [
    ' ', '⭠', '⭢', '⭡', '⭣', '⭦', '⭧', '⭩', '⭨', '⭰', '⭲', '⭱', '⭳', '⭶', '⭸', '⭻',
    '⭽', '⭤', '⭥', '⭪', '⭬', '⭫', '⭭', '⭍', '⮠', '⮡', '⮢', '⮣', '⮤', '⮥', '⮦', '⮧',
    '⮐', '⮑', '⮒', '⮓', '⮀', '⮃', '⭾', '⭿', '⮄', '⮆', '⮅', '⮇', '⮏', '⮍', '⮎', '⮌',
    '⭮', '⭯', '⎋', '⌤', '⌃', '⌥', '␣', '⍽', '⇪', '⮸', '🢠', '🢡', '🢢', '🢣', '🢤', '🢥',
    '🢦', '🢧', '🢨', '🢩', '🢪', '🢫', '🡐', '🡒', '🡑', '🡓', '🡔', '🡕', '🡗', '🡖', '🡘', '🡙',
    '▲', '▼', '△', '▽', '◀', '▶', '◁', '▷', '◣', '◢', '◤', '◥', '🞀', '🞂', '🞁', '\u{fffd}',
    '🞃', '⯅', '⯆', '⯇', '⯈', '⮜', '⮞', '⮝', '⮟', '🠐', '🠒', '🠑', '🠓', '🠔', '🠖', '🠕',
    '🠗', '🠘', '🠚', '🠙', '🠛', '🠜', '🠞', '🠝', '🠟', '🠀', '🠂', '🠁', '🠃', '🠄', '🠆', '🠅',
    '🠇', '🠈', '🠊', '🠉', '🠋', '🠠', '🠢', '🠤', '🠦', '🠨', '🠪', '🠬', '🢜', '🢝', '🢞', '🢟',
    '🠮', '🠰', '🠲', '🠴', '🠶', '🠸', '🠺', '🠹', '🠻', '🢘', '🢚', '🢙', '🢛', '🠼', '🠾', '🠽',
    '🠿', '🡀', '🡂', '🡁', '🡃', '🡄', '🡆', '🡅', '🡇', '⮨', '⮩', '⮪', '⮫', '⮬', '⮭', '⮮',
    '⮯', '🡠', '🡢', '🡡', '🡣', '🡤', '🡥', '🡧', '🡦', '🡰', '🡲', '🡱', '🡳', '🡴', '🡵', '🡷',
    '🡶', '🢀', '🢂', '🢁', '🢃', '🢄', '🢅', '🢇', '🢆', '🢐', '🢒', '🢑', '🢓', '🢔', '🢖', '🢕',
    '🢗', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}', '\u{fffd}',
];

/// Webdings.
#[rustfmt::skip]
static WEBDINGS: Symbols = [
    ' ', '🕷', '🕸', '🕲', '🕶', '🏆', '🎖', '🖇', '🗨', '🗩', '🗰', '🗱', '🌶', '🎗', '🙾', '🙼',
    '🗕', '🗖', '🗗', '⏴', '⏵', '⏶', '⏷', '⏪', '⏩', '⏮', '⏭', '⏸', '⏹', '⏺', '🗚', '🗳',
    '🛠', '🏗', '🏘', '🏙', '🏚', '🏜', '🏭', '🏛', '🏠', '🏖', '🏝', '🛣', '🔍', '🏔', '👁', '👂',
    '🏞', '🏕', '🛤', '🏟', '🛳', '🕬', '🕫', '🕨', '🔈', '🎔', '🎕', '🗬', '🙽', '🗭', '🗪', '🗫',
    '⮔', '✔', '🚲', '⬜', '🛡', '📦', '🛱', '⬛', '🚑', '🛈', '🛩', '🛰', '🟈', '🕴', '⬤', '🛥',
    '🚔', '🗘', '🗙', '❓', '🛲', '🚇', '🚍', '⛳', '⦸', '⊖', '🚭', '🗮', '⏐', '🗯', '🗲', '\u{fffd}',
    '🚹', '🚺', '🛉', '🛊', '🚼', '👽', '🏋', '⛷', '🏂', '🏌', '🏊', '🏄', '🏍', '🏎', '🚘', '🗠',
    '🛢', '💰', '🏷', '💳', '👪', '🗡', '🗢', '🗣', '✯', '🖄', '🖅', '🖃', '🖆', '🖹', '🖺', '🖻',
    '🕵', '🕰', '🖽', '🖾', '📋', '🗒', '🗓', '🕮', '📚', '🗞', '🗟', '🗃', '🗂', '🖼', '🎭', '🎜',
    '🎘', '🎙', '🎧', '💿', '🎞', '📷', '🎟', '🎬', '📽', '📹', '📾', '📻', '🎚', '🎛', '📺', '💻',
    '🖥', '🖦', '🖧', '🕹', '🎮', '🕻', '🕼', '📟', '🖁', '🖀', '🖨', '🖩', '🖿', '🖪', '🗜', '🔒',
    '🔓', '🗝', '📥', '📤', '🕳', '🌣', '🌤', '🌥', '🌦', '☁', '🌨', '🌧', '🌩', '🌪', '🌬', '🌫',
    '🌜', '🌡', '🛋', '🛏', '🍽', '🍸', '🛎', '🛍', 'Ⓟ', '♿', '🛆', '🖈', '🎓', '🗤', '🗥', '🗦',
    '🗧', '🛪', '🐿', '🐦', '🐟', '🐕', '🐈', '🙬', '🙮', '🙭', '🙯', '🗺', '🌍', '🌏', '🌎', '🕊',
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(font: &str, places: &[u8]) -> String {
        let font = SymbolFont::from_name(font).unwrap();
        places.iter().map(|&place| font.character(place)).collect()
    }

    #[test]
    fn places_are_those_of_the_font() {
        assert_eq!(shows("Symbol", b"abm W\xa3\xb7\xe2\xff"), "αβμ Ω≤•®\u{fffd}");
        assert_eq!(shows("Wingdings", b"J\x22\xa7\xd8\xfc\xfe"), "☺✂▪➢✓☑");
        assert_eq!(shows("WEBDINGS", b"a"), "✔");
        assert_eq!(
            shows("ITC Zapf Dingbats", b"!4H\xa1\xa7\xac\xd3\xd4\xd8\xef\xf1\xfe\xf0"),
            "✁✔★❡❧①➓➔➘➯➱➾\u{fffd}"
        );
        assert!(SymbolFont::from_name("Arial").is_none());
    }

    #[test]
    fn no_place_of_a_font_of_pictures_is_a_latin_letter() {
        for font in ["Wingdings", "Wingdings 2", "Wingdings 3", "Webdings", "Zapf Dingbats"] {
            let all: Vec<u8> = (0x20..=0xff).collect();
            let text = shows(font, &all);
            assert!(!text.contains(|c: char| c.is_alphabetic() && c < '\u{2000}'), "{font}: {text}");
        }
        assert!((0x21..=0xff).all(|place| !SymbolFont::Unknown.character(place).is_alphanumeric()));
    }
}
