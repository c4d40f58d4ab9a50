"""Characters as their author typed them: what fonts of PDFs give instead, undone."""

from __future__ import annotations

import unicodedata

# Radicals that stand for whole characters and that NFKC leaves alone (Unicode's EquivalentUnifiedIdeograph.txt).
_RADICALS = dict(
    zip(
        "⺀⺁⺂⺃⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺎⺏⺐⺑⺒⺓⺔⺕⺖⺗⺘⺙⺛⺜⺝⺞⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪⺫⺬⺭⺮⺯⺰⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "冫厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄㣺扌攵旡曰月歺民氵氺灬爫爫丬牛犭王疋目示礻𥫗糸纟罓罒网㓁网羊羊羊老肀聿月𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶阝钅長镸长门阜阝雨青韦页风飞食飠飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)
_BULLETS = dict.fromkeys("\uf0b7\uf06c\uf06e\uf0a7\uf0d8\uf0fc\uf075\uf076\uf0a8\uf071\uf077", "•")  # Symbol, Wingdings


def normal(char: str) -> str:
    """A character without what only its font is about: radicals as characters (⼯ as 工, ⻓ as 长), ligatures as
    letters, bullets of symbol fonts as •; "" for others of private use."""
    if char < "\u2000":
        return char
    if "\u2e80" <= char <= "\u2fdf":
        return _RADICALS.get(char) or unicodedata.normalize("NFKC", char)
    if "\ufb00" <= char <= "\ufb06" or "\uf900" <= char <= "\ufaff":
        return unicodedata.normalize("NFKC", char)
    if "\ue000" <= char <= "\uf8ff" or char >= "\U000f0000":
        return _BULLETS.get(char, "")
    return char
