"""HTML within Markdown: tags, comments, scripts and styles go, what stands between tags stays.

Only what is a tag of HTML by its name and its attributes goes: `a<b 且 c>d` is a comparison, and text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial

from dispatch.intake.readers.marking import (
    EMPHASIS_OFF,
    EMPHASIS_ON,
    LINK_OFF,
    LOWERED_OFF,
    LOWERED_ON,
    RAISED_OFF,
    RAISED_ON,
    Addresses,
)

_NAMES = (
    "a|abbr|acronym|address|applet|area|article|aside|audio|b|base|basefont|bdi|bdo|big|blockquote|body|br|button|"
    "canvas|caption|center|cite|code|col|colgroup|data|datalist|dd|del|details|dfn|dialog|dir|div|dl|dt|em|embed|"
    "fieldset|figcaption|figure|font|footer|form|frame|frameset|h[1-6r]|head|header|hgroup|html|i|iframe|img|input|ins|"
    "kbd|label|legend|li|link|main|map|mark|marquee|menu|meta|meter|nav|nobr|noframes|noscript|object|ol|optgroup|"
    "option|output|p|param|path|picture|pre|progress|q|rp|rt|ruby|s|samp|script|search|section|select|slot|small|"
    "source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|"
    "tr|track|tt|u|ul|var|video|wbr"
)
_BARE = "allowfullscreen|async|checked|compact|controls|defer|disabled|hidden|nowrap|noshade|open|required|reversed"
_VALUE = r"""(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>`]+)"""
_ATTRIBUTE = rf"(?:(?:{_BARE})(?=[\s/>])|[A-Za-z_:][\w:.-]*\s*=\s*{_VALUE})"
_NAME = rf"(?:(?:{_NAMES})(?![\w:.-])|[A-Za-z]{{1,10}}:[A-Za-z]\w{{0,30}})"
_TAG = re.compile(
    rf"</{_NAME}\s*>|<{_NAME}(?:(?:[\s/]+|(?<=[\"'])){_ATTRIBUTE})*[\s/]*>|<![A-Za-z][^<>]{{0,2000}}>|<\?[^<>]{{0,2000}}>",
    re.IGNORECASE | re.ASCII,
)
_BREAKING = re.compile(r"</?(?:br|p|div|li|tr|h[1-6]|table|ul|ol|section|article)\b", re.IGNORECASE)
_HEADING = re.compile(r"<h([1-6])\b", re.IGNORECASE)
_BOLD = re.compile(r"</?(?:b|strong)\b", re.IGNORECASE)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,200})>")


_EMPHASIS = re.compile(r"<(/?)(?:i|em)\b", re.IGNORECASE)
_SCRIPT = re.compile(r"<(/?)su([pb])\b", re.IGNORECASE)
_SCRIPTS = {"p": RAISED_ON, "/p": RAISED_OFF, "b": LOWERED_ON, "/b": LOWERED_OFF}
_LINK = re.compile(rf"<a\b[^<>]*?\shref\s*=\s*({_VALUE})", re.IGNORECASE)
_LINK_END = re.compile(r"</a\b", re.IGNORECASE)
_TABLE = re.compile(r"<(/?)table(?=[\s/>])", re.IGNORECASE)
_MOST_TABLES = 2_000

TABLE = "\ue020"  # stands for the table whose number follows as a character of private use
_FIRST_TABLE = 0xF0000


def table_number(sign: str) -> int:
    """Which table the sign behind `TABLE` means."""
    return ord(sign) - _FIRST_TABLE


def without_tables(text: str) -> tuple[str, list[str]]:
    """A text with a sign in place of each HTML table, on a line of its own part, and the tables' sources.

    Line numbers stay right. A table inside another is part of it; one that never ends is no table.
    """
    tables: list[str] = []
    parts: list[str] = []
    position = depth = start = 0
    for tag in _TABLE.finditer(text):
        if not tag[1]:
            start = start if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            end = text.find(">", tag.end()) + 1
            if not depth and end and len(tables) < _MOST_TABLES:
                source = text[start:end]
                sign = f"\x00{TABLE}{chr(_FIRST_TABLE + len(tables))}\x00"
                parts += [text[position:start], sign, "\n" * source.count("\n")]
                tables.append(source)
                position = end
    return "".join([*parts, text[position:]]), tables


def without_html(text: str, addresses: Addresses) -> str:
    """A text without its HTML, whose line numbers stay right. A break within a line is a NUL; emphasis and links stand
    as signs."""
    if "<" not in text:
        return text
    text = without_comments(text)
    return _TAG.sub(partial(_stand_in, addresses.sign), _AUTOLINK.sub(partial(_autolink, addresses.sign), text))


def without_comments(text: str) -> str:
    """A text without comments, scripts and other elements that show nothing."""
    text = _cut(text, "<!--", "-->")
    for name in ("script", "style", "template", "iframe", "noscript"):
        text = _cut(text, f"<{name}", f"</{name}>")
    return text


def _autolink(sign: Callable[[str], str], match: re.Match[str]) -> str:
    href = match[1] if ":" in match[1] else f"mailto:{match[1]}"
    return f"{sign(href)}{match[1]}{LINK_OFF}"


def _stand_in(sign: Callable[[str], str], match: re.Match[str]) -> str:
    """What stands for a tag: the mark of a heading, of bold text, of a link, a break within the line, or nothing."""
    tag, lines_within = match[0], "\n" * match[0].count("\n")
    heading = _HEADING.match(tag)
    if heading and (match.start() == 0 or match.string[match.start() - 1] == "\n"):
        return lines_within + "#" * int(heading[1]) + " "
    if _BOLD.match(tag):
        return "**" + lines_within
    if emphasis := _EMPHASIS.match(tag):
        return (EMPHASIS_OFF if emphasis[1] else EMPHASIS_ON) + lines_within
    if script := _SCRIPT.match(tag):
        return _SCRIPTS[f"{script[1]}{script[2].lower()}"] + lines_within
    if link := _LINK.match(tag):
        return sign(html.unescape(link[1].strip("\"'"))) + lines_within
    if _LINK_END.match(tag):
        return LINK_OFF + lines_within
    return ("\x00" if _BREAKING.match(tag) else "") + lines_within


def _cut(text: str, start: str, end: str) -> str:
    folded = text.lower()
    if len(folded) != len(text):  # a few letters grow in lower case, and positions would be off
        folded = text
    parts: list[str] = []
    position = 0
    while (opening := folded.find(start, position)) >= 0:
        closing = folded.find(end, opening)
        if closing < 0:
            break
        parts += [text[position:opening], "\n" * text.count("\n", opening, closing)]
        position = closing + len(end)
    return "".join([*parts, text[position:]])
