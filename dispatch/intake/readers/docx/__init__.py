"""DOCX (ECMA-376 and ISO/IEC 29500, Transitional and Strict; also .docm and .dotx): the text as Word shows it.

Nothing of the file is run, fetched or unpacked to a disk. Headers, footers and comments are left out.
"""

from __future__ import annotations

from dispatch.intake.line import Document


def document(data: bytes, name: str) -> Document:
    """The lines of a Word document; `name` is what errors call it. A line's `number` counts paragraphs.

    Raises IntakeError: not a Word document, damaged, locked with a password, without text, or larger, deeper or more
    tightly packed than a bulletin can be.
    """
    from dispatch.intake.readers.docx.reading import read  # its libraries are loaded when the first document comes

    return read(data, name)
