"""The characters of a text out of a Noto CJK font, with TrueType outlines: a file of some 100 kB for a web page.

Chromium puts such a font into its PDF as it is. The whole collection it would draw glyph by glyph, in a file three
times as large.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection

_FOLDER = Path("/usr/share/fonts/opentype/noto")


def subset(family: str, weight: str, text: str, target: Path) -> None:
    """Write the glyphs of `text` from the simplified Chinese face of `NotoFAMILYCJK-WEIGHT.ttc`."""
    fonts = TTCollection(_FOLDER / f"Noto{family}CJK-{weight}.ttc")
    font = next(face for face in fonts if face["name"].getDebugName(6).startswith(f"Noto{family}CJKsc"))
    names = font.getBestCmap()
    cmap = {ord(char): names[ord(char)] for char in set(text) if ord(char) in names}
    order = [".notdef", *dict.fromkeys(cmap.values())]
    outlines = font.getGlyphSet()
    glyphs = {}
    for name in order:
        pen = TTGlyphPen(None)
        outlines[name].draw(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    builder = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: font["hmtx"][name] for name in order})
    builder.setupHorizontalHeader(ascent=font["hhea"].ascent, descent=font["hhea"].descent)
    builder.setupNameTable(
        {
            "familyName": f"Noto {family} CJK SC",
            "styleName": weight,
            "psName": f"Noto{family}CJKsc-{weight}",
        }
    )
    builder.setupOS2(usWeightClass=font["OS/2"].usWeightClass)
    builder.setupPost()
    builder.save(target)
