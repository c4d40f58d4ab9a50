"""Telegram's HTML in parts that each fit a message.

Bot API, "Formatting options" and sendMessage: 1 to 4096 characters after entity parsing, counted in UTF-16 units,
and 100 entities. A part never ends inside a word, an entity reference, a tag or a link; tags that are open at its
end are closed there and opened again in the next part. Among the places where it may end, the best of the last
third is taken: between paragraphs, lines, sentences, clauses, words, characters of Chinese. A heading (a line
that is bold as a whole, or a line in italics with no blank line below) stays with what follows it, if it can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from html import escape, unescape
from itertools import islice

from dispatch.digests.slots import slot

MAX_UNITS = 4096
MAX_ENTITIES = 100

_TAGS = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre", "blockquote"}
)
_CHINESE = r"\u2e80-\u303e\u3040-\u9fff\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
# Characters that stand alone, with no word around them: Chinese, its punctuation, dashes and quotation marks.
_WIDE = _CHINESE + r"\u2010-\u2027\u2030-\u205e"
_STARTS_WIDE = re.compile(f"[{_WIDE}]")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TOKEN = re.compile(
    rf"(?P<tag>{_TAG.pattern})"
    r"|\ue000(?P<slot>[a-z_]+)\ue001"
    r"|(?P<text>[^<\ue000]+|<|\ue000)"
)
# A character of Chinese or a mark between words with what combines with it, a run of anything else, or space.
_ATOM = re.compile(
    rf"[{_WIDE}][\u0300-\u036f\u3099\u309a\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
    rf"|\n|[^\S\n]+|[^\s{_WIDE}]+"
)
_NEVER_FIRST = "、。，．：；？！）〕］｝〉》」』】’”…—,.:;?!)]}%％"
_NEVER_LAST = "（〔［｛〈《「『【‘“([{"
_SENTENCE_END = "。！？!?；;…"
_CLOSING = "”’」』）)】"
_LOOK_BACK = 8  # a sentence ends with fewer brackets and quotation marks; a page of them is no text


class Break(IntEnum):
    """How good a place to end a part is."""

    NEVER = 0
    HEADING = 1  # between a heading and what it is of
    CHARACTER = 2
    WORD = 3
    CLAUSE = 4
    SENTENCE = 5
    LINE = 6
    PARAGRAPH = 7


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening tag; `place` tells two equal ones apart."""

    name: str
    markup: str
    place: int


@dataclass(slots=True)
class Atom:
    """What is not divided: a word, a character, space, a slot. `tags` are open around it, outermost first."""

    text: str
    tags: tuple[Tag, ...]
    units: int
    entities: int = 0
    slot: str = ""
    after: Break = Break.NEVER


@dataclass(frozen=True, slots=True)
class Reserve:
    """What a slot may take once it is filled."""

    units: int
    entities: int


def utf16_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def extent(html: str) -> tuple[int, int]:
    """The UTF-16 units and the entities of all of `html`, without looking at words and places to end a part."""
    text, tags = _TAG.subn("", html)
    return utf16_units(unescape(text)), tags // 2


def visible_units(html: str) -> int:
    """The length that Telegram counts: UTF-16 units after entity parsing."""
    return sum(atom.units for atom in _atoms(html, {}))


def split(
    html: str, reserves: Mapping[str, Reserve], units: int = MAX_UNITS, entities: int = MAX_ENTITIES
) -> tuple[str, ...]:
    """The parts of `html`, each valid for itself, with slot marks where they were. At least one.

    `reserves` says what each slot of the text may take. Raises ValueError for a tag that Telegram does not know,
    for tags that cross, and for block quotes in block quotes.
    """
    atoms = _chopped(_atoms(html, reserves), units)
    for index, atom in enumerate(atoms):
        atom.after = _break(atoms, index)
    parts: list[str] = []
    start = _skip_space(atoms, 0)
    while start < len(atoms):
        end = _end_of_part(atoms, start, units, entities)
        parts.append(_markup(atoms[start:end]))
        start = _skip_space(atoms, end)
    return tuple(parts) or ("",)


def _atoms(html: str, reserves: Mapping[str, Reserve]) -> list[Atom]:
    atoms: list[Atom] = []
    stack: tuple[Tag, ...] = ()
    for found in _TOKEN.finditer(html):
        if found["tag"]:
            stack = _after_tag(stack, found["tag"], found.start())
        elif found["slot"]:
            room = reserves[found["slot"]]
            atoms.append(Atom("", stack, room.units, room.entities, found["slot"]))
        else:
            # Lone < and > count as text: nothing of the reader's message may be lost to a slip in a template.
            pieces = _ATOM.findall(unescape(found["text"]))
            atoms.extend(Atom(piece, stack, utf16_units(piece)) for piece in pieces)
    if stack:
        raise ValueError(f"<{stack[-1].name}> is not closed")
    return atoms


def _after_tag(stack: tuple[Tag, ...], markup: str, place: int) -> tuple[Tag, ...]:
    name = re.split(r"[\s>/]", markup.strip("</"), maxsplit=1)[0].lower()
    if name not in _TAGS:
        raise ValueError(f"Telegram knows no <{name}>")
    if markup.startswith("</"):
        if not stack or stack[-1].name != name:
            raise ValueError(f"</{name}> closes what is not open")
        return stack[:-1]
    if name == "blockquote" and any(tag.name == name for tag in stack):
        raise ValueError("a <blockquote> within a <blockquote>")
    return (*stack, Tag(name, markup, place))


def _chopped(atoms: Sequence[Atom], units: int) -> list[Atom]:
    """The atoms, with those that alone are over the limit cut into characters (a word nobody wrote)."""
    whole: list[Atom] = []
    for atom in atoms:
        fits = atom.slot or atom.units <= units
        whole.extend([atom] if fits else [Atom(c, atom.tags, utf16_units(c)) for c in atom.text])
    return whole


def _break(atoms: Sequence[Atom], index: int) -> Break:
    """How good the place after atom `index` is."""
    if index + 1 == len(atoms):
        return Break.PARAGRAPH
    atom, after = atoms[index], atoms[index + 1]
    if atom.tags and (link := _link(atom)) is not None and link == _link(after):
        return Break.NEVER
    if atom.text == "\n":
        double = after.text == "\n" or (index > 0 and atoms[index - 1].text == "\n")
        if _is_heading(atoms, index, double=double):
            return Break.HEADING
        return Break.PARAGRAPH if double else Break.LINE
    if atom.slot or after.slot:
        return Break.LINE
    if after.text == "\n":
        double = index + 2 < len(atoms) and atoms[index + 2].text == "\n"
        return Break.HEADING if _is_heading(atoms, index + 1, double=double) else Break.LINE
    if after.text.isspace() or (after.text and after.text[0] in _NEVER_FIRST):
        return Break.NEVER  # the better place is after it
    if atom.text[-1:] in _NEVER_LAST:
        return Break.NEVER
    return _break_between_words(atoms, index)


def _is_heading(atoms: Sequence[Atom], newline: int, *, double: bool) -> bool:
    """Whether the line before a newline, or before the blank lines that end with it, is a heading."""
    at = newline - 1
    if at >= 0 and atoms[at].text == "\n":  # the second of a blank line's two
        at -= 1
    names = {"b", "strong"} if double else {"b", "strong", "i", "em"}
    ends = at
    while at >= 0 and atoms[at].text != "\n" and names & {tag.name for tag in atoms[at].tags}:
        at -= 1
    return at < ends and (at < 0 or atoms[at].text == "\n")


def _break_between_words(atoms: Sequence[Atom], index: int) -> Break:
    at, last = index, index - _LOOK_BACK
    while at >= max(last, 0) and (atoms[at].text.isspace() or atoms[at].text[-1:] in _CLOSING):
        at -= 1
    before = atoms[at].text[-1:] if at >= max(last, 0) else ""
    if before and before in _SENTENCE_END:
        return Break.SENTENCE
    if atoms[index].text.isspace():
        return Break.WORD
    if atoms[index].text[-1:] in "，、,：:":
        return Break.CLAUSE
    return Break.CHARACTER if _is_wide(atoms, index) else Break.NEVER


def _is_wide(atoms: Sequence[Atom], index: int) -> bool:
    """Whether a character of Chinese stands on one side: words of one script are not joined without space."""
    return any(_STARTS_WIDE.match(atom.text) for atom in atoms[index : index + 2])


def _link(atom: Atom) -> Tag | None:
    return next((tag for tag in atom.tags if tag.name == "a"), None)


def _skip_space(atoms: Sequence[Atom], start: int) -> int:
    """The place after the space that a part would begin with; space at the head of a preformatted line is kept."""
    while start < len(atoms) and not atoms[start].slot and atoms[start].text.isspace():
        if atoms[start].text != "\n" and _is_preformatted(atoms[start]):
            break
        start += 1
    return start


def _is_preformatted(atom: Atom) -> bool:
    return any(tag.name == "pre" for tag in atom.tags)


def _end_of_part(atoms: Sequence[Atom], start: int, units: int, entities: int) -> int:
    """The index after the last atom of the part that begins at `start`."""
    last, used = _what_fits(atoms, start, units, entities)
    if last == len(atoms):
        return last
    ends = [end for end in range(start + 1, last + 1) if atoms[end - 1].after]
    good = [end for end in ends if used[end - start - 1] * 3 >= used[-1] * 2]
    if good:
        return max(good, key=lambda end: (atoms[end - 1].after, end))
    # No place in the last third: the last one there is, or a cut in a link or word longer than a message.
    return ends[-1] if ends else last


def _what_fits(atoms: Sequence[Atom], start: int, units: int, entities: int) -> tuple[int, list[int]]:
    """The index after the last atom that fits, and the units used after each atom up to there."""
    used: list[int] = []
    length = opened = 0
    open_tags: tuple[Tag, ...] = ()
    for atom in islice(atoms, start, None):
        length += atom.units
        opened += atom.entities + len(atom.tags) - _shared(open_tags, atom.tags)
        if used and (length > units or opened > entities):
            break
        used.append(length)
        open_tags = atom.tags
    return start + len(used), used


def _shared(one: Sequence[Tag], other: Sequence[Tag]) -> int:
    """How many tags, from the outermost, are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _markup(atoms: Sequence[Atom]) -> str:
    """The atoms as HTML for themselves: every tag that they are in is opened, and closed."""
    end = len(atoms)
    while end and not atoms[end - 1].slot and atoms[end - 1].text.isspace():
        end -= 1
    pieces: list[str] = []
    open_tags: tuple[Tag, ...] = ()
    for atom in atoms[:end]:
        pieces.append(_step(open_tags, atom.tags))
        pieces.append(slot(atom.slot) if atom.slot else escape(atom.text, quote=False))
        open_tags = atom.tags
    pieces.append(_step(open_tags, ()))
    return "".join(pieces)


def _step(before: Sequence[Tag], after: Sequence[Tag]) -> str:
    """The tags to close and to open between two atoms."""
    shared = _shared(before, after)
    closing = "".join(f"</{tag.name}>" for tag in reversed(before[shared:]))
    return closing + "".join(tag.markup for tag in after[shared:])
