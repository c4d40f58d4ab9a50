"""HTML within Markdown: tags, comments, scripts and styles go, what stands between tags stays.

Only what is a tag of HTML by its name and its attributes goes: `a<b 且 c>d` is a comparison, and text.
"""

from __future__ import annotations

import re

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


def without_html(text: str) -> str:
    """A text without its HTML, whose line numbers stay right. A break within a line is a NUL."""
    if "<" not in text:
        return text
    text = _cut(text, "<!--", "-->")
    for name in ("script", "style", "template", "iframe", "noscript"):
        text = _cut(text, f"<{name}", f"</{name}>")
    return _TAG.sub(_stand_in, _AUTOLINK.sub(r"\1", text))


def _stand_in(match: re.Match[str]) -> str:
    """What stands for a tag: the mark of a heading or of bold text, a break within the line, else nothing."""
    tag, lines_within = match[0], "\n" * match[0].count("\n")
    heading = _HEADING.match(tag)
    if heading and (match.start() == 0 or match.string[match.start() - 1] == "\n"):
        return lines_within + "#" * int(heading[1]) + " "
    if _BOLD.match(tag):
        return "**" + lines_within
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
