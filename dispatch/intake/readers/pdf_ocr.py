"""Pages that are pictures, read by RapidOCR with the models that its package ships. Nothing is ever downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from dispatch.intake.line import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypdfium2 import PdfDocument

ADVICE = 'install the extra for OCR (pip install "huoju-dispatch[ocr]"), or have its text recognised elsewhere'


def installed() -> bool:
    """Whether pictures can be read here."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def lines_of(pdf: PdfDocument, pages: Sequence[int]) -> list[Line]:
    return []
