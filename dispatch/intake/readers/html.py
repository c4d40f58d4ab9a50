"""HTML: an article's page or a mirrored page of a whole issue, as a .html file or a browser's single file (MHTML).

The page is read as browsers read it, and nothing it refers to is fetched. What the site puts around its content is left
out, with care: what may be a word of the issue stays.
"""

from __future__ import annotations

import codecs
import re
from urllib.parse import urlsplit

from dispatch.errors import IntakeError
from dispatch.intake.cleaning import clean
from dispatch.intake.line import Document
from dispatch.intake.readers import text
from dispatch.intake.readers.decoding import decode, likeness
from dispatch.intake.readers.html_boilerplate import without_boilerplate
from dispatch.intake.readers.html_lines import lines_of
from dispatch.intake.readers.html_source import TooComplexError
from dispatch.intake.readers.html_tree import Node, parsed
from dispatch.intake.readers.marking import linkable
from dispatch.intake.readers.mhtml import is_mhtml, page_of

_PRESCAN = 4096  # bytes in which a page names its encoding; the standard has browsers look at 1024
_META = re.compile(rb"<meta\s[^>]{0,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.-]{2,40})", re.IGNORECASE)
_IS_MARKUP = re.compile(r"<(?:/?[A-Za-z][A-Za-z0-9]{0,15}[\s/>]|!doctype|!--)", re.IGNORECASE)
_MOST_BROKEN = 0.001  # of a page's characters may be undecodable: sites cut texts in the middle of a character

# What the names of encodings mean in practice (https://encoding.spec.whatwg.org/#names-and-labels), those of Chinese
# pages and those that a program writes by default.
_CODECS = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312", "gb_2312-80", "gb18030", "x-gbk", "chinese", "iso-ir-58"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cn-big5", "x-x-big5", "csbig5"), "big5hkscs"),
    **dict.fromkeys(("utf-8", "utf8", "unicode-1-1-utf-8"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin1", "windows-1252", "us-ascii", "ascii"), "cp1252"),
}


def document(data: bytes, name: str, charset: str = "") -> Document:
    """The lines of a page; `charset` is what the server said of its encoding, if it did.

    Raises IntakeError: an encoding that is not known, more elements than a page has, nothing in it to read.
    """
    if is_mhtml(data):
        data, charset = page_of(data, name)
    source, warnings = _decoded(data, name, charset)
    if not _IS_MARKUP.search(source):
        return Document(text.lines(clean(source, pages=True)), warnings)
    try:
        root = parsed(_LINE_ENDS.sub("\n", source))
    except TooComplexError as error:
        raise IntakeError(f"{name}: this page is not read: {error}; save its text as a file of text (UTF-8)") from None
    base = _base(root)
    found = lines_of(without_boilerplate(root), base)
    if not found:
        raise IntakeError(
            f"{name}: there is no text in this page, though it has {len(data)} bytes; a script may fetch it: "
            "open the page in a browser and save it from there"
        )
    return Document(found, warnings)


_LINE_ENDS = re.compile(r"\r\n?")


def _decoded(data: bytes, name: str, charset: str) -> tuple[str, tuple[str, ...]]:
    """The source of a page, and a warning where some of it could not be decoded."""
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(data, name), ()
    codec = _CODECS.get(charset.strip().strip("\"'").lower()) or _declared(data)
    if codec:
        return _by_declaration(data, name, codec)
    return decode(data, name), ()


def _declared(data: bytes) -> str:
    found = _XML.match(data[:_PRESCAN]) or _META.search(data[:_PRESCAN])
    return _CODECS.get(found[1].decode("ascii").lower(), "") if found else ""


def _by_declaration(data: bytes, name: str, codec: str) -> tuple[str, tuple[str, ...]]:
    """A page in the encoding that it says, unless its bytes are plainly of another."""
    try:
        said = data.decode(codec)
    except UnicodeDecodeError:
        said = None
    if said is not None and (codec == "utf-8" or data.isascii()):
        return said, ()
    try:
        other = decode(data, name)
    except IntakeError:
        return (said, ()) if said is not None else _mended(data, name, codec)
    return (said if said is not None and likeness(_hanzi(said)) >= likeness(_hanzi(other)) else other), ()


def _hanzi(source: str) -> str:
    """The text of a page's source, roughly: an encoding is judged by its words, not by its tags."""
    return "".join(re.findall(r"[^\x00-\x7f]+", source[:2_000_000]))


def _mended(data: bytes, name: str, codec: str) -> tuple[str, tuple[str, ...]]:
    source = data.decode(codec, "replace")
    broken = source.count("\ufffd")
    if broken > max(3, _MOST_BROKEN * len(source)):
        raise IntakeError(f"{name}: the page says it is in {codec}, and is not; save it as UTF-8")
    line = source.count("\n", 0, source.index("\ufffd")) + 1
    return source, (f"Line {line}: {broken} characters of the page are broken and stand as \ufffd.",)


def _base(root: Node) -> str:
    """Where the page stands, by its own words: <base>, or the canonical link."""
    for node in root.walk():
        if node.tag == "base" and (found := _web(node.get("href"))):
            return found
    for node in root.walk():
        if node.tag == "link" and "canonical" in node.get("rel").lower() and (found := _web(node.get("href"))):
            return found
    return ""


def _web(href: str) -> str:
    found = linkable(href)
    return found if urlsplit(found).scheme in {"http", "https"} else ""
