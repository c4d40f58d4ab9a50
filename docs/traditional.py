"""Makes config/traditional.txt, by which texts in traditional characters are tagged.

    docs/traditional.py Unihan_Variants.txt[.bz2]

The file is in the Unicode Character Database (Unihan.zip) and in Debian's package unicode-data. Kept are the characters
of Big5 that GB 2312 does not have and that stand for one of GB 2312: a text in simplified characters stays as it is.
"""

from __future__ import annotations

import bz2
import re
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "config" / "traditional.txt"
HEADER = """\
# Traditional characters and the simplified ones that stand for them: those of Big5 that GB 2312 does not have.
# Made by docs/traditional.py from the Unihan database, Unicode {version} (Unicode License v3, unicode.org/license.txt).
"""
_LINE = re.compile(r"^U\+([0-9A-F]{4,5})\tkSimplifiedVariant\t(.+)$", re.MULTILINE)
_VERSION = re.compile(r"^# Unicode version: (\S+)", re.MULTILINE)
_A_LINE = 40


def main() -> None:
    source = Path(sys.argv[1])
    data = bz2.decompress(source.read_bytes()) if source.suffix == ".bz2" else source.read_bytes()
    text = data.decode("utf-8")
    version = _VERSION.search(text)
    pairs = sorted(pair for found in _LINE.finditer(text) for pair in _pair(found[1], found[2]))
    lines = [" ".join(pairs[start : start + _A_LINE]) for start in range(0, len(pairs), _A_LINE)]
    header = HEADER.format(version=version[1] if version else "of unknown version")
    TARGET.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")


def _pair(code: str, variants: str) -> list[str]:
    """The character and the first of its simplified forms that GB 2312 has, as one word; none where there is none."""
    old = chr(int(code, 16))
    if not _within(old, "big5") or _within(old, "gb2312"):
        return []
    new = [chr(int(variant[2:], 16)) for variant in variants.split()]
    return [old + char for char in new if char != old and _within(char, "gb2312")][:1]


def _within(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()
