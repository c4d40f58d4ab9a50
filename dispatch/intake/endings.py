"""The credit of one article, taken from its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatch.intake.credits import Credit, Credits
from dispatch.intake.folding import is_running
from dispatch.intake.line import Line, LineKind


@dataclass(frozen=True, slots=True)
class Ending:
    """The lines of an article without its credit. `left_out` are lines after the credit that are not of it."""

    credit: str
    lines: tuple[Line, ...]
    left_out: tuple[Line, ...] = ()


_MOST_NOTES, _LONGEST_NOTES = 3, 120  # lines and characters that may follow the credit of an issue's last article


def take_credit(lines: Sequence[Line], credits_: Credits, *, last: bool = False) -> Ending:
    """Take the credit off an article: at its end, else on a line of its own right below the title.

    Below the `last` article of an issue a few words of the editors may follow its credit.
    """
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].kind is LineKind.NOTE:
            continue
        if lines[index].kind is not LineKind.TABLE and (credit := credits_.find(lines[index].text)):
            return _at_end(lines, index, credit, credits_) if index else _whole_or_head(lines, credit, credits_)
        if is_running(lines[index]) and not (last and _are_notes(lines[index:])):
            break
    head = credits_.find(lines[0].text) if lines else None
    if head and head.alone and head.sure:
        return Ending(head.text, tuple(lines[1:]))
    return Ending("", tuple(lines))


def _are_notes(lines: Sequence[Line]) -> bool:
    return len(lines) <= _MOST_NOTES and sum(len(line.text) for line in lines) <= _LONGEST_NOTES


def _whole_or_head(lines: Sequence[Line], credit: Credit, credits_: Credits) -> Ending:
    """The credit found in the very first line: all else after it is short, and stays."""
    if credit.alone:
        return Ending(credit.text, tuple(lines[1:]))
    return _at_end(lines, 0, credit, credits_)


def _at_end(lines: Sequence[Line], index: int, credit: Credit, credits_: Credits) -> Ending:
    texts = [credit.text]
    kept = list(lines[:index])
    if credit.head:
        kept.append(replace(lines[index], text=credit.head))
    while credit.alone and kept and (above := credits_.find(kept[-1].text)) and above.sure:
        credit, last = above, kept.pop()
        texts.insert(0, above.text)
        if above.head:
            kept.append(replace(last, text=above.head))
    after = lines[index + 1 :]
    notes = [line for line in after if line.kind is LineKind.NOTE]
    left_out = tuple(line for line in after if line.kind is not LineKind.NOTE)
    return Ending(" ".join(texts), (*kept, *notes), left_out)
