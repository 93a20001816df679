//! Writes the header: fonts, colours, styles and lists.

use bytes::BytesMut;

use super::lists::Lists;

/// The fonts: a proportional one for text, a fixed-width one for code.
const FONTS: &[u8] = b"{\\rtf1\\ansi\\ansicpg1252\\deff0\\uc1\n\
{\\fonttbl{\\f0\\fswiss\\fcharset0 Calibri;}{\\f1\\fmodern\\fprq1\\fcharset0 Consolas;}}\n\
{\\colortbl;\\red5\\green99\\blue193;\\red128\\green128\\blue128;}\n";

/// The style sheet. The names are those of Word's built-in styles where these exist, so that Word
/// shows them as usual.
const STYLES: &[u8] = b"{\\stylesheet\n\
{\\s0\\sa160\\f0\\fs22\\snext0 Normal;}\n\
{\\s1\\sb360\\sa120\\keepn\\outlinelevel0\\f0\\fs36\\sbasedon0\\snext0 heading 1;}\n\
{\\s2\\sb280\\sa100\\keepn\\outlinelevel1\\f0\\fs30\\sbasedon0\\snext0 heading 2;}\n\
{\\s3\\sb240\\sa80\\keepn\\outlinelevel2\\f0\\fs26\\sbasedon0\\snext0 heading 3;}\n\
{\\s4\\sb200\\sa60\\keepn\\outlinelevel3\\f0\\fs24\\sbasedon0\\snext0 heading 4;}\n\
{\\s5\\sb200\\sa60\\keepn\\outlinelevel4\\f0\\fs22\\sbasedon0\\snext0 heading 5;}\n\
{\\s6\\sb200\\sa60\\keepn\\outlinelevel5\\f0\\fs22\\sbasedon0\\snext0 heading 6;}\n\
{\\s7\\sa160\\f1\\fs20\\sbasedon0\\snext7 HTML Preformatted;}\n\
{\\s8\\sa60\\f0\\fs22\\sbasedon0\\snext8 List Paragraph;}\n\
{\\s11\\li360\\sa160\\f0\\fs22\\sbasedon0\\snext11 Quote;}\n\
{\\s12\\li720\\sa160\\f0\\fs22\\sbasedon0\\snext12 Quote 2;}\n\
{\\s13\\li1080\\sa160\\f0\\fs22\\sbasedon0\\snext13 Quote 3;}\n\
{\\s14\\li1440\\sa160\\f0\\fs22\\sbasedon0\\snext14 Quote 4;}\n\
{\\s15\\li1800\\sa160\\f0\\fs22\\sbasedon0\\snext15 Quote 5;}\n\
{\\s16\\li2160\\sa160\\f0\\fs22\\sbasedon0\\snext16 Quote 6;}\n\
{\\*\\cs20\\ul\\cf1 Hyperlink;}\n\
{\\*\\cs21\\f1\\fs20 HTML Code;}}\n";

/// The generator of the document. If a document has none, LibreOffice widens each run of spaces.
const GENERATOR: &[u8] = b"{\\*\\generator millpond;}\n";

/// Appends the header to `out`.
pub(super) fn write(out: &mut BytesMut, lists: &Lists) {
    out.extend_from_slice(FONTS);
    out.extend_from_slice(STYLES);
    lists.write(out);
    out.extend_from_slice(GENERATOR);
}
