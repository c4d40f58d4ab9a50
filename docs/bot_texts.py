"""Brings templates/bot/*.po up to date with the texts in dispatch/bot: `python docs/bot_texts.py`.

New texts are added without a translation and named; those that the program says no more are dropped. `--check` changes
nothing, and fails where there is something to do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
# What marks a text: `say("…")`, `say.plain("…")`, and `text("…")` where it is said later.
KEYWORDS = {"say": None, "plain": None, "text": None}


def texts() -> Catalog:
    """All texts of the program, by the places where they stand."""
    found = Catalog(charset="utf-8")
    folder = ROOT / "dispatch" / "bot"
    for name, _, message, _, _ in extract_from_dir(folder, [("**.py", "python")], keywords=KEYWORDS):
        found.add(message, locations=[(f"dispatch/bot/{name}", 0)])
    return found


def main() -> int:
    check = "--check" in sys.argv[1:]
    template, wrong = texts(), 0
    for path in sorted((ROOT / "templates" / "bot").glob("*.po")):
        with path.open("rb") as file:
            known = read_po(file)
        before = {message.id: message.string for message in known if message.id}
        missing = [message.id for message in template if message.id and not before.get(message.id)]
        over = [text for text in before if text not in template]
        wrong += len(missing) + len(over)
        for text in missing:
            sys.stdout.write(f"{path.name}: not translated: {text!r}\n")
        for text in over:
            sys.stdout.write(f"{path.name}: said no more: {text!r}\n")
        if not check:
            known.update(template, no_fuzzy_matching=True)
            known.obsolete.clear()
            with path.open("wb") as file:
                write_po(file, known, width=0, omit_header=False, sort_output=False, include_lineno=False)
    return 1 if wrong and check else 0


if __name__ == "__main__":
    raise SystemExit(main())
