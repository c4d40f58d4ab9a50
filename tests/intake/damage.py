"""Damaged and hostile files by number: the same number gives the same file, made from what is in `tests/data`."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (".md", ".txt", ".html", ".htm", ".pdf", ".docx", ".doc", ".mht", ".rtf")

_SIGNATURES = (
    b"%PDF-1.7\n", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1", b"<!DOCTYPE html>",
    b"<html><body>", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x89PNG\r\n\x1a\n", b"MIME-Version: 1.0\n",
)  # fmt: skip
_SIGNS = "\x00\x01\x07\x08\x1b\x7f\x85\u00ad\u200b\u200f\u202a\u202e\u2028\u2066\u2069\ufeff\ufffe\U000e0001"
_REPEATED = (
    "# ", "【", "》", "（", "[a](", "**", "<div>", "<table><tr><td>", "&amp;", "&#x0;", "> ", "- ", "|a|b|\n", "供稿:(",
    "第5期(总第534期)", "……………… 3\n", "<!--", "\\", "```", "　", "1. a\n", "# a\n", "一、", "\n\n", "![](",
    "$\\mathrm{",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file: what was done to it, its name, what is in it."""

    kind: str
    name: str
    data: bytes


@cache
def sound_files() -> tuple[Path, ...]:
    """What is damaged: the samples and every form of them that there is."""
    data = ROOT / "tests" / "data"
    found = [*(ROOT / "config" / "samples").iterdir(), *data.glob("*"), *(data / "forms").rglob("*")]
    return tuple(sorted(path for path in found if path.suffix.lower() in SUFFIXES and "make" not in path.parts))


def damaged(seed: int) -> Damaged:
    """The file of a number. The kinds take turns, so that as many numbers as there are kinds have them all."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    source = chance.choice(sound_files())
    data, suffix = kind(source.read_bytes(), chance), source.suffix
    if kind in _MADE:
        suffix = _MADE[kind]
    if kind is _renamed or chance.random() < 0.1:
        suffix = chance.choice(SUFFIXES)
    return Damaged(kind.__name__.strip("_"), f"{seed}{suffix}", data)


def _truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _beheaded(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(len(data)) :]


def _flipped(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 5, 50, 500))):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    low = chance.randrange(len(data))
    return low, min(len(data), low + chance.choice((1, 16, 512, 4096, 50_000)))


def _zeroed(data: bytes, chance: random.Random) -> bytes:
    low, high = _span(data, chance)
    return data[:low] + bytes(high - low) + data[high:]


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    low, high = _span(data, chance)
    return data[:low] + chance.randbytes(high - low) + data[high:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    low, high = _span(data, chance)
    return data[:high] + data[low:high] * chance.choice((1, 10, 100)) + data[high:]


def _swapped(data: bytes, chance: random.Random) -> bytes:
    one, two, three = sorted(chance.randrange(len(data) + 1) for _ in range(3))
    return data[:one] + data[two:three] + data[one:two] + data[three:]


def _joined(data: bytes, chance: random.Random) -> bytes:
    return data + chance.choice(sound_files()).read_bytes()


def _renamed(data: bytes, chance: random.Random) -> bytes:
    return data if chance.random() < 0.7 else _image()


def _garbage(data: bytes, chance: random.Random) -> bytes:
    return chance.choice(_SIGNATURES) + chance.randbytes(chance.choice((0, 1, 100, 20_000)))


def _numbers(data: bytes, chance: random.Random) -> bytes:
    """Every so often a digit is another: sizes, offsets, counts and references are wrong."""
    share = chance.choice((0.01, 0.1))
    return bytes(
        chance.choice(b"0123456789") if 48 <= byte <= 57 and chance.random() < share else byte for byte in data
    )


def _signs(data: bytes, chance: random.Random) -> bytes:
    """Control characters, and those that reorder what is read."""
    text = data.decode("utf-8", "replace")
    places = sorted(chance.randrange(len(text) + 1) for _ in range(200))
    parts = [text[low:high] for low, high in zip([0, *places], [*places, len(text)], strict=True)]
    signs = chance.choice((_SIGNS, _SIGNS[1:]))  # with a NUL a file is no text at all
    return "".join(part + chance.choice(signs) for part in parts).encode("utf-8", "surrogatepass")


def _long_lines(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b"\n", b" " if chance.random() < 0.5 else b"") * chance.choice((1, 5))


def _many(data: bytes, chance: random.Random) -> bytes:
    """One sign a hundred thousand times, somewhere in the text."""
    at = data.find(b"\n", chance.randrange(len(data)))
    return data[:at] + chance.choice(_REPEATED).encode() * chance.choice((1000, 20_000, 100_000)) + data[at:]


def _nested_tags(data: bytes, chance: random.Random) -> bytes:
    depth, tag = chance.choice((300, 50_000)), chance.choice(("div", "ul><li", "table><tr><td", "b", "svg", "section"))
    closing = "".join(f"</{name}>" for name in reversed(tag.split("><")))
    middle = data.decode("utf-8", "replace")[:2000]
    return f"<html><body>{f'<{tag}>' * depth}{middle}{closing * depth}</body></html>".encode()


def _nested_xml(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((500, 200_000))
    return _word(b"<w:p>" + b"<w:tbl><w:tr><w:tc>" * depth + b"</w:tc></w:tr></w:tbl>" * depth + b"</w:p>")


def _entities(data: bytes, chance: random.Random) -> bytes:
    """Entities within entities, and one from outside."""
    rows = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12))
    outside = f'<!ENTITY out SYSTEM "file://{chance.choice(("/etc/passwd", "/dev/zero"))}">'
    return _word(b"<w:p><w:r><w:t>&a11;&out;</w:t></w:r></w:p>", f'<!DOCTYPE x [<!ENTITY a0 "x">{rows}{outside}]>')


def _bomb(data: bytes, chance: random.Random) -> bytes:
    """A document of a few hundred KB that is hundreds of MB when it is unpacked."""
    return _zip({"word/document.xml": b"<w:p/>" * chance.choice((1_000_000, 10_000_000)), "[Content_Types].xml": b"x"})


def _nested_zip(data: bytes, chance: random.Random) -> bytes:
    found = data
    for _ in range(chance.choice((2, 30))):
        found = _zip({"word/document.xml": found, "[Content_Types].xml": found[:100]})
    return found


def _many_parts(data: bytes, chance: random.Random) -> bytes:
    return _zip({f"word/{number}.xml": b"" for number in range(chance.choice((100, 20_000)))})


def _lying_zip(data: bytes, chance: random.Random) -> bytes:
    """Sizes in the directory that are not those of the parts."""
    found = bytearray(_word(b"<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 100))
    at = found.rfind(b"PK\x01\x02")
    found[at + 20 : at + 28] = chance.randbytes(8)
    return bytes(found)


def _pdf_bomb(data: bytes, chance: random.Random) -> bytes:
    """A page whose content is hundreds of MB when it is unpacked."""
    glyphs = b"BT /F1 9 Tf 1 1 Td (x) Tj ET\n" * chance.choice((100_000, 3_000_000))
    content = zlib.compress(glyphs, 9)
    return _pdf([b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content)])


def _pdf_loop(data: bytes, chance: random.Random) -> bytes:
    """Pages that are their own parents, forms that draw themselves, and counts that are none."""
    content = b"<< /Length 8 >>\nstream\n/X Do Q \nendstream"
    form = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9e9 9e9] /Resources << /XObject << /X 5 0 R >> >> "
        b"/Length 5 >>\nstream\n/X Do\nendstream"
    )
    found = _pdf([content, form])
    return found.replace(b"/Count 1", b"/Count %d" % chance.choice((-1, 0, 10**6, 2**31, 10**30)))


def _pdf_deep(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((100, 100_000))
    return _pdf([b"[" * depth + b"]" * depth, b"<</A" * depth + b">>" * depth])


def _pdf(objects: list[bytes]) -> bytes:
    """A PDF of one page whose content is the first object, number 4. Its table of references is left to repair."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
    page += b"/Resources << /XObject << /X 5 0 R >> "
    page += b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Arial >> >> >> >>"
    tree = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    every = [b"<< /Type /Catalog /Pages 2 0 R >>", tree, page, *objects]
    parts = [b"%d 0 obj\n%b\nendobj\n" % (number, item) for number, item in enumerate(every, 1)]
    return b"%PDF-1.7\n" + b"".join(parts) + b"trailer << /Root 1 0 R /Size 9 >>\nstartxref\n0\n%%EOF"


def _image() -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"


def _word(body: bytes, doctype: str = "") -> bytes:
    """A Word document of this body."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return _zip(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'.encode(),
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>'.encode(),
            "word/document.xml": f'{doctype}<w:document xmlns:w="{space}"><w:body>'.encode()
            + body
            + b"</w:body></w:document>",
        }
    )


def _zip(parts: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return found.getvalue()


# Those that are of one form, whatever they are made from.
_MADE: dict[Callable[[bytes, random.Random], bytes], str] = {
    _nested_tags: ".html", _nested_xml: ".docx", _entities: ".docx", _bomb: ".docx", _nested_zip: ".docx",
    _many_parts: ".docx", _lying_zip: ".docx", _pdf_bomb: ".pdf", _pdf_loop: ".pdf", _pdf_deep: ".pdf",
}  # fmt: skip
KINDS = (
    _truncated, _beheaded, _flipped, _zeroed, _overwritten, _repeated, _swapped, _joined, _renamed, _garbage, _numbers,
    _signs, _long_lines, _many, *_MADE,
)  # fmt: skip
