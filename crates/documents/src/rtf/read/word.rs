//! The known control words.

/// Packs a name into a number, six bits for each letter. 0 for names that are too long, which no
/// known word is.
const fn pack(name: &[u8]) -> u128 {
    if name.len() > 21 {
        return 0;
    }
    let mut packed = 0;
    let mut i = 0;
    while i < name.len() {
        // These bits distinguish letters, including upper and lower case.
        packed = packed << 6 | (name[i] & 0x3f) as u128;
        i += 1;
    }
    packed
}

macro_rules! words {
    ($($word:ident $name:literal),* $(,)?) => {
        /// A control word, named as in the specification.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word { $($word),* }

        /// All words, and their packed names.
        static WORDS: &[(u128, Word)] = &[$((pack($name.as_bytes()), Word::$word)),*];

        #[cfg(test)]
        impl Word {
            /// The names of all of them.
            pub(super) const NAMES: &[&str] = &[$($name),*];
        }
    };
}

/// The number of slots, several times the number of words: the first slot suffices to reject most
/// unknown words.
const SLOTS: usize = 1024;

/// The index of a word, from 1, at each slot. On a collision the word is in a later slot. 0 for an
/// empty slot.
static TABLE: [u16; SLOTS] = {
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < WORDS.len() {
        let mut slot = slot(WORDS[i].0);
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        i += 1;
        table[slot] = i as u16;
    }
    table
};

/// The first slot of a name.
const fn slot(packed: u128) -> usize {
    let folded = packed as u64 ^ ((packed >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

impl Word {
    /// Returns the word with that name, which has only letters and no backslash.
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        let packed = pack(name);
        let mut slot = slot(packed);
        loop {
            let at = usize::from(TABLE.get(slot).copied().unwrap_or(0)).checked_sub(1)?;
            match WORDS.get(at) {
                Some(&(name, word)) if name == packed => return Some(word),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }

    /// Returns the character that a control word stands for.
    #[inline]
    pub(super) fn character(self) -> Option<char> {
        Some(match self {
            Self::Emdash => '\u{2014}',
            Self::Endash => '\u{2013}',
            Self::Emspace => '\u{2003}',
            Self::Enspace => '\u{2002}',
            Self::Qmspace => '\u{2005}',
            Self::Bullet => '\u{2022}',
            Self::Lquote => '\u{2018}',
            Self::Rquote => '\u{2019}',
            Self::Ldblquote => '\u{201c}',
            Self::Rdblquote => '\u{201d}',
            Self::Zwj => '\u{200d}',
            Self::Zwnj => '\u{200c}',
            Self::Zwbo => '\u{200b}',
            Self::Ltrmark => '\u{200e}',
            Self::Rtlmark => '\u{200f}',
            Self::Tab => '\t',
            Self::Line | Self::Lbr | Self::Softline => '\n',
            _ => return None,
        })
    }
}

words! {
    // The character set of the document and of fonts.
    Rtf "rtf", Ansi "ansi", Mac "mac", Pc "pc", Pca "pca", Ansicpg "ansicpg", Deff "deff", Fonttbl "fonttbl",
    F "f", Fcharset "fcharset", Cpg "cpg", Uc "uc", U "u", Upr "upr", Ud "ud", Bin "bin",
    // Character properties.
    Plain "plain", B "b", I "i", Strike "strike", Striked "striked", Ul "ul", Uld "uld", Uldash "uldash",
    Uldashd "uldashd", Uldashdd "uldashdd", Uldb "uldb", Ulth "ulth", Ulw "ulw", Ulwave "ulwave", Ulnone "ulnone",
    Sup "super", Sub "sub", Nosupersub "nosupersub", V "v", Deleted "deleted", Cs "cs",
    // Paragraph properties.
    Pard "pard", S "s", Outlinelevel "outlinelevel", Ls "ls", Ilvl "ilvl", Li "li", Lin "lin", Intbl "intbl",
    Itap "itap", Ql "ql", Qc "qc", Qr "qr", Brdrb "brdrb",
    // Ends of paragraphs, lines, cells.
    Par "par", Sect "sect", Page "page", Column "column", Line "line", Lbr "lbr", Softline "softline", Tab "tab",
    Trowd "trowd", Trhdr "trhdr", Cell "cell", Nestcell "nestcell", Row "row", Nestrow "nestrow",
    // Characters.
    Emdash "emdash", Endash "endash", Emspace "emspace", Enspace "enspace", Qmspace "qmspace", Bullet "bullet",
    Lquote "lquote", Rquote "rquote", Ldblquote "ldblquote", Rdblquote "rdblquote", Zwj "zwj", Zwnj "zwnj",
    Zwbo "zwbo", Ltrmark "ltrmark", Rtlmark "rtlmark",
    // Lists.
    Listtable "listtable", List "list", Listlevel "listlevel", Levelnfc "levelnfc", Levelnfcn "levelnfcn",
    Levelstartat "levelstartat", Listid "listid", Listoverridetable "listoverridetable",
    Listoverride "listoverride", Lfolevel "lfolevel", Listoverridestartat "listoverridestartat",
    Levellegal "levellegal", Levelnorestart "levelnorestart", Listtext "listtext", Pntext "pntext", Pn "pn", Pnlvl "pnlvl", Pnlvlblt "pnlvlblt", Pnlvlbody "pnlvlbody",
    Pnlvlcont "pnlvlcont", Pnstart "pnstart", Pndec "pndec", Pnucrm "pnucrm", Pnlcrm "pnlcrm",
    Pnucltr "pnucltr", Pnlcltr "pnlcltr", Pnord "pnord", Pncard "pncard", Pnordt "pnordt", Pnseclvl "pnseclvl",
    // Styles, fields, notes.
    Stylesheet "stylesheet", Field "field", Fldinst "fldinst", Fldrslt "fldrslt", Footnote "footnote",
    Nesttableprops "nesttableprops",
    // Fields of forms.
    Formfield "formfield", Ffres "ffres", Ffdefres "ffdefres", Ffl "ffl",
    // Mathematics. The words with an upper-case letter are those of Word's formulas alone.
    MoMathPara "moMathPara", MoMath "moMath", MmathPict "mmathPict", Mr "mr", Mf "mf", Mnum "mnum", Mden "mden",
    MsSup "msSup", MsSub "msSub", MsSubSup "msSubSup", MsPre "msPre", Me "me", Msup "msup", Msub "msub",
    Mrad "mrad", Mdeg "mdeg", Mnary "mnary", Mchr "mchr", Md "md", MbegChr "mbegChr", MsepChr "msepChr",
    MendChr "mendChr", Mfunc "mfunc", MfName "mfName", MlimLow "mlimLow", MlimUpp "mlimUpp", Mlim "mlim", Mm "mm",
    Mmr "mmr", MeqArr "meqArr", Macc "macc",
    // Shapes, as Word writes them since 97 and as it did before.
    Shpinst "shpinst", Shptxt "shptxt", Shprslt "shprslt", Do "do", Dptxbxtext "dptxbxtext",
    // Pictures, and the properties of pictures and shapes.
    Shppict "shppict", Picprop "picprop", Sn "sn", Sv "sv",
    // Destinations whose text is skipped.
    Colortbl "colortbl", Filetbl "filetbl", Info "info", Pict "pict", Nonshppict "nonshppict", Objdata "objdata",
    Objclass "objclass", Objname "objname", Header "header", Headerl "headerl", Headerr "headerr",
    Headerf "headerf", Footer "footer", Footerl "footerl", Footerr "footerr", Footerf "footerf", Ftnsep "ftnsep",
    Ftnsepc "ftnsepc", Ftncn "ftncn", Aftnsep "aftnsep", Aftnsepc "aftnsepc", Aftncn "aftncn", Xe "xe", Tc "tc",
    Tcn "tcn", Rxe "rxe", Txe "txe", Nonesttables "nonesttables", Annotation "annotation", Atnid "atnid",
    Atnauthor "atnauthor", Template "template", Background "background", Revtbl "revtbl", Listname "listname",
    Leveltext "leveltext", Levelnumbers "levelnumbers", Liststylename "liststylename",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_whole_name() {
        assert_eq!(Word::from_name(b"par"), Some(Word::Par));
        assert_eq!(Word::from_name(b"pard"), Some(Word::Pard));
        assert_eq!(Word::from_name(b"listoverridestartat"), Some(Word::Listoverridestartat));
    }

    #[test]
    fn other_names_are_not_words() {
        for name in [&b""[..], b"pa", b"Par", b"PAR", b"sup", b"abcdefghijklmnopqrstuvwxyzabcdef"] {
            assert_eq!(Word::from_name(name), None);
        }
    }
}
