"""A Word document from its package to lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from dispatch.intake.folding import is_prose
from dispatch.intake.line import Document, Line, LineKind, table_text
from dispatch.intake.readers.docx.notes import Notes
from dispatch.intake.readers.docx.numbering import Numbering
from dispatch.intake.readers.docx.package import Package, relations_of, target_of
from dispatch.intake.readers.docx.spans import Text, address_of, joined
from dispatch.intake.readers.docx.story import Draft, Story
from dispatch.intake.readers.docx.styles import Styles
from dispatch.intake.readers.docx.xml import Element, children, entries, name_of, root, value_of

MAX_LINES = 100_000
_MAIN = "word/document.xml"  # where nothing else is said
_LONGEST_HEADING = 60
_LONGEST_ITEM = 80
_LEAST_STEP = 2  # half points by which a heading is larger than the text
_MOST_LEVELS = 6
_MOST_PLACES = 5  # that a warning names

_OTHER_FORMS = (
    ("xl/", "an Excel workbook (.xlsx)"),
    ("ppt/", "a PowerPoint presentation (.pptx)"),
    ("meta-inf/container.xml", "an EPUB book"),
    ("content.xml", "an OpenDocument file (.odt)"),
)
_AS_DOCX = "open it and save the issue as a Word document (.docx), Markdown or plain text (UTF-8)"


def read(data: bytes, name: str) -> Document:
    """The lines of a document; see `dispatch.intake.readers.docx.document`."""
    package = Package(data, name)
    part = _main_part(package)
    parts, links = _relations(package, part)
    styles = Styles(root(package, parts["styles"]) if "styles" in parts else None)
    numbering = Numbering(root(package, parts["numbering"]) if "numbering" in parts else None)
    notes = Notes(lambda kind: _notes(package, parts.get(f"{kind}s"), kind, styles))
    story = Story(styles, numbering, links, notes)
    drafts = list(islice(story.read(_body(package, part)), MAX_LINES + 1))
    drafts += story.finish()
    if len(drafts) > MAX_LINES:
        raise package.refusal(f"it has over {MAX_LINES} lines, too many for an issue; divide the document")
    if not any(draft.text.text or draft.rows for draft in drafts):
        raise package.refusal(_no_text(story))
    return Document(tuple(_lines(drafts)), tuple(_warnings(story)))


# The package


def _main_part(package: Package) -> str:
    """The part that holds the document. Raises IntakeError for what is another kind of file."""
    if "_rels/.rels" in package:
        for relation in children(root(package, "_rels/.rels"), "rel:Relationship"):
            if value_of(relation, "Type").endswith("/officeDocument"):
                target = target_of("", value_of(relation, "Target"))
                if not target.startswith(("xl/", "ppt/")):
                    return _existing(package, target)
    if _MAIN in package:
        return _MAIN
    raise _not_word(package)


def _existing(package: Package, part: str) -> str:
    if part not in package:
        raise package.damage(part, "the part with the text is missing")
    return part


def _not_word(package: Package) -> Exception:
    names = package.names()
    for head, form in _OTHER_FORMS:
        if any(part.startswith(head) for part in names):
            return package.refusal(f"this is {form}, which is not read; {_AS_DOCX}")
    if "[content_types].xml" in names:
        return package.damage(_MAIN, "the part with the text is missing")
    return package.refusal(
        "this is a ZIP archive and no Word document (.docx): there is no word/document.xml in it; "
        "unpack it and give the files that are in it"
    )


def _relations(package: Package, part: str) -> tuple[dict[str, str], dict[str, str]]:
    """The parts that belong to a part by their kind (`styles`), and the addresses it links to by their ids."""
    parts: dict[str, str] = {}
    links: dict[str, str] = {}
    relations = relations_of(part)
    if relations not in package:
        return parts, links
    for relation in children(root(package, relations), "rel:Relationship"):
        target = value_of(relation, "Target")
        if value_of(relation, "TargetMode") == "External":
            links[value_of(relation, "Id")] = address_of(target)
        elif (found := target_of(part, target)) in package:
            parts.setdefault(value_of(relation, "Type").rpartition("/")[2], found)
    return parts, links


def _body(package: Package, part: str) -> Iterator[Element]:
    yield from entries(package, part, 2)


def _notes(package: Package, part: str | None, kind: str, styles: Styles) -> dict[str, Text]:
    """The notes of a kind by their ids. A note has no notes of its own, and no lists that count on."""
    found: dict[str, Text] = {}
    if part is None:
        return found
    _, links = _relations(package, part)
    for element in entries(package, part, 1):
        if name_of(element) == f"w:{kind}":
            story = Story(styles, Numbering(), links, Notes(lambda _: {}))
            texts = [_flat(draft) for draft in story.read(element)]
            found[value_of(element, "w:id")] = joined([text for text in texts if text.text], " ")
    return found


def _flat(draft: Draft) -> Text:
    return Text(" ".join(cell for row in draft.rows for cell in row if cell)) if draft.rows else draft.text


# Lines


def _lines(drafts: Sequence[Draft]) -> Iterator[Line]:
    levels = _levels_by_size(drafts)
    for index, draft in enumerate(drafts):
        text = table_text(draft.rows) if draft.rows else draft.text.text
        level = draft.level or (levels.get(draft.text.size, 0) if _may_be_heading(draft) else 0)
        yield Line(
            text=text,
            number=draft.number,
            level=level,
            bold=draft.text.bold,
            gap=draft.first,
            rule=draft.rule,
            kind=LineKind.ITEM if _is_item(drafts, index, level) else draft.kind,
            style=draft.style,
            rows=draft.rows,
            marks=draft.text.marks,
            depth=draft.depth,
        )


def _may_be_heading(draft: Draft) -> bool:
    text = draft.text.text
    return draft.kind is LineKind.TEXT and bool(text) and len(text) <= _LONGEST_HEADING and not is_prose(text)


def _levels_by_size(drafts: Sequence[Draft]) -> dict[int, int]:
    """The levels of headings by the size of their letters, the largest first, where no style says them.

    The size of the text is the one that most characters have.
    """
    if any(draft.level and not draft.title for draft in drafts):
        return {}
    sizes: Counter[int] = Counter()
    for draft in drafts:
        sizes[draft.text.size] += len(draft.text.text)
    usual = sizes.most_common(1)[0][0]
    larger = {draft.text.size for draft in drafts if _may_be_heading(draft) and draft.text.size >= usual + _LEAST_STEP}
    ranked = sorted(larger, reverse=True)
    return {size: min(rank, _MOST_LEVELS) for rank, size in enumerate(ranked, 1)}


def _is_item(drafts: Sequence[Draft], index: int, level: int) -> bool:
    """Whether a numbered paragraph is an item of a list: a short one beside others of it.

    Headings are numbered too, but text stands between them; and so are paragraphs, which are longer.
    """
    draft = drafts[index]
    number, text = draft.list, draft.text.text
    if number is None or number.bullet or number.parts or level or draft.text.bold or draft.kind is not LineKind.TEXT:
        return False
    if len(text) > _LONGEST_ITEM or "。" in text[:-1]:
        return False
    beside = [drafts[at].list for at in (index - 1, index + 1) if 0 <= at < len(drafts)]
    return any(other is not None and other.list == number.list for other in beside)


# What is told


def _warnings(story: Story) -> Iterator[str]:
    if story.deleted:
        yield (
            f"{_places(story.deleted)}: there are changes that nobody has accepted yet; the text is read as if all of "
            "them were."
        )
    if story.embedded:
        yield f"{_places(story.embedded)}: another document is embedded below it, and is not read."


def _places(numbers: Sequence[int]) -> str:
    places = sorted(set(numbers))
    named = ", ".join(str(place) for place in places[:_MOST_PLACES])
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    return f"Paragraph{'s' if len(places) > 1 else ''} {named}{more}"


def _no_text(story: Story) -> str:
    if story.pictures:
        return (
            "there is no text in it, only pictures; have their text recognised (OCR) and save that as a Word document, "
            "Markdown or plain text"
        )
    if story.embedded:
        return "there is no text in it, only documents embedded in it; open it in Word, save it as plain text"
    return "there is no text in it; was it saved whole?"
