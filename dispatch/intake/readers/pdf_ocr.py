"""Pages that are pictures, read by RapidOCR with the models that its package ships. Nothing is ever downloaded."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from dispatch.intake.cleaning import clean
from dispatch.intake.readers.pdf_rows import Row, Sheet
from dispatch.intake.readers.pdf_text import Span, Stretch

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

ADVICE = 'install the extra for OCR (pip install "huoju-dispatch[ocr]"), or have its text recognised elsewhere'
MAX_PAGES = 100  # each takes seconds

_DOTS_A_POINT = 200 / 72
_MOST_DOTS = 12_000_000  # of a page: a larger one is read more coarsely
_SURE = 0.5  # of a line's score, from 0 to 1
_FACE = 0.8  # of a line's box is the size of its type
_SAME_SIZE = 0.2  # lines that differ less are of one size: boxes are not exact
_SAME_ROW = 0.5  # of a box's height


def installed() -> bool:
    """Whether pictures can be read here: the packages are there, and the models with them."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None and len(_models()) == len(_PARTS)


def sheet_of(page: PdfPage, number: int) -> Sheet:
    """What is read on the picture of a page, at about 200 dots an inch."""
    width, height = page.get_size()
    scale = min(_DOTS_A_POINT, (_MOST_DOTS / max(1.0, width * height)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=False)
    try:
        found = _engine()(bitmap.to_numpy())
    finally:
        bitmap.close()
    texts, boxes, scores = found.txts or (), found.boxes, found.scores or ()
    stretches = [
        stretch
        for at, text in enumerate(texts)
        if scores[at] >= _SURE and (stretch := _stretch(clean(text).strip(), boxes[at].tolist(), scale))
    ]
    return Sheet(number, width, height, _rows(_evened(stretches)), (), ())


def _stretch(text: str, corners: list[list[float]], scale: float) -> Stretch | None:
    if not text:
        return None
    left, right = min(x for x, _ in corners) / scale, max(x for x, _ in corners) / scale
    top, bottom = min(y for _, y in corners) / scale, max(y for _, y in corners) / scale
    size = (bottom - top) * _FACE
    return Stretch(text, left, right, bottom, size, (Span(0, len(text), 0, ""),), lead=size)


def _evened(stretches: list[Stretch]) -> list[Stretch]:
    """Lines with one size for all whose boxes are about as high as most."""
    from dataclasses import replace

    if not stretches:
        return []
    usual = median(stretch.size for stretch in stretches)
    return [
        replace(stretch, size=usual, lead=usual) if abs(stretch.size - usual) <= _SAME_SIZE * usual else stretch
        for stretch in stretches
    ]


def _rows(stretches: list[Stretch]) -> tuple[Row, ...]:
    found: list[list[Stretch]] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.base):
        if found and stretch.base - found[-1][0].base <= _SAME_ROW * stretch.size:
            found[-1].append(stretch)
        else:
            found.append([stretch])
    return tuple(Row(tuple(sorted(row, key=lambda stretch: stretch.x0))) for row in found)


_PARTS = {"Det": "*_det_*.onnx", "Cls": "*_cls_*.onnx", "Rec": "*_rec_*.onnx"}


@lru_cache(maxsize=1)
def _engine() -> Any:
    """The recogniser; its models are named by their files, for a model that it would look up it might download."""
    params: dict[str, object] = {f"{part}.model_path": str(path) for part, path in _models().items()}
    return import_module("rapidocr").RapidOCR(params={**params, "Global.log_level": "error"})


def _models() -> dict[str, Path]:
    found = find_spec("rapidocr")
    folders = found.submodule_search_locations if found else None
    if not folders:
        return {}
    models = Path(folders[0]) / "models"
    return {part: paths[0] for part, pattern in _PARTS.items() if (paths := sorted(models.glob(pattern)))}
