"""Texts as they are looked through: half-width, in small letters and simplified characters."""

from __future__ import annotations

import unicodedata
from functools import cache

from dispatch.assets import config_dir
from dispatch.catalog.words import fold

# ASCII, Chinese punctuation, Chinese characters, full-width forms: nearly all that a bulletin is written in.
_USUAL = (range(0x100), range(0x2000, 0x2070), range(0x3000, 0x3040), range(0x4E00, 0xA000), range(0xFF00, 0xFF60))

# Radicals that NFKC leaves alone, with the characters that they stand for (Unicode's EquivalentUnifiedIdeograph.txt).
_LEFT_ALONE = dict(
    zip(
        "⺀⺁⺂⺃⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺎⺏⺐⺑⺒⺓⺔⺕⺖⺗⺘⺙⺛⺜⺝⺞⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪⺫⺬⺭⺮⺯⺰⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "冫厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄㣺扌攵旡曰月歺民氵氺灬爫爫丬牛犭王疋目示礻𥫗糸纟罓罒网㓁网羊羊羊老肀聿月𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶阝钅長镸长门阜阝雨青韦页风飞食飠飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)
# Radicals and the whole characters that they stand for: PDFs, and what was copied from them, have ⻄安⾼新区.
RADICALS = {
    char: _LEFT_ALONE.get(char) or unicodedata.normalize("NFKC", char)
    for char in map(chr, (*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6)))
}
# Other forms of characters, for which Unihan has no simplified one: 崑山高新區, 龍巖高新區, 楊淩.
_VARIANTS = dict(
    zip("髙崑巖甯淩鷄淨嶽峯羣啓衆鑛綫滙裏爲週後佈託", "高昆岩宁凌鸡净岳峰群启众矿线汇里为周后布托", strict=True)
)
# White space of any kind, so that words may be parted by any; but for the end of a line, which says more.
_BLANKS = dict.fromkeys((code for code in range(0x3001) if chr(code).isspace() and code != 0x0A), " ")


def simplified(text: str) -> str:
    """The text folded and in simplified characters (config/traditional.txt), of the same length: 高新區 -> 高新区. A
    radical is the character that it stands for, and white space within a line a blank."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    """Of the usual characters, those that stay as they are too: looking up what is not there takes much longer."""
    usual = [chr(code) for codes in _USUAL for code in codes]
    lines = (config_dir() / "traditional.txt").read_text(encoding="utf-8").splitlines()
    pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
    same = dict(zip(map(ord, usual), fold("".join(usual)), strict=True))
    known = same | {ord(pair[0]): pair[1] for pair in pairs}
    others = RADICALS | _VARIANTS
    return known | {ord(char): known.get(ord(plain), plain) for char, plain in others.items()} | _BLANKS
