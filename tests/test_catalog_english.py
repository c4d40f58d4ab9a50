"""Parks and provinces by their names in English."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.catalog.english import PROVINCES, key
from dispatch.catalog.pinyin import readings
from dispatch.catalog.words import zone_head
from dispatch.errors import CatalogError

CATALOG = load_catalog()
# Names that English has of its own, and parks that are called by something else than a place.
ENGLISH = {
    "呼和浩特金山", "鄂尔多斯", "哈尔滨", "齐齐哈尔", "乌鲁木齐", "克拉玛依", "拉萨", "阿克苏阿拉尔", "包头稀土",
    "通化医药", "泰州医药", "厦门火炬", "威海火炬", "中山火炬", "攀枝花钒钛", "松山湖", "黄石大冶湖", "东湖",
}  # fmt: skip


def spellings(chinese: str) -> set[str]:
    return {"".join(way) for way in product(*(readings()[character] for character in chinese))}


def test_every_park_is_called_by_its_place_in_pinyin_or_by_a_name_of_its_own() -> None:
    for park in CATALOG.parks:
        head = zone_head(park.name)
        if head and head not in ENGLISH:
            assert key(park.name_en).partition("hightech")[0] in spellings(head), park.name
        else:
            assert park.english, park.name


def test_no_two_parks_are_shown_by_one_name_and_each_is_found_by_its_own() -> None:
    assert [name for name, count in Counter(key(park.name_en) for park in CATALOG.parks).items() if count > 1] == []
    for park in CATALOG.parks:
        assert CATALOG.resolve(f"park:{park.name_en}") == f"park:{park.name}"
        assert CATALOG.find(park.name_en) == f"park:{park.name}"


def test_every_province_has_its_english_name() -> None:
    assert {park.province for park in CATALOG.parks} <= set(PROVINCES)
    assert CATALOG.resolve("province:Jiangxi") == "province:江西省"
    assert CATALOG.label("province:陕西省", "en") == "all high-tech zones in Shaanxi"


@pytest.mark.parametrize(
    "written",
    [
        "Nanchang High-tech Zone",
        "nanchang hi-tech",
        "NANCHANG HITECH",
        "Nanchang high tech park",
        "Nanchang National High-Tech Industrial Development Zone",
        "Nanchang New & High-tech Industries Development Zone",
        "Nanchang High Technology Development Zone",
    ],
)
def test_high_tech_zone_is_written_in_many_ways(written: str) -> None:
    assert CATALOG.find(written) == "park:南昌高新区"


@pytest.mark.parametrize("written", ["High-tech Zone", "Zone", "Fuzhou High-tech Zone", "Nanchang Economic Zone", ""])
def test_what_is_no_park_or_could_be_two_is_none(written: str) -> None:
    assert CATALOG.find(written) is None


def test_english_readers_are_given_english_names() -> None:
    assert CATALOG.label("park:南昌高新区", "en") == "Nanchang High-tech Zone"
    assert CATALOG.label("park:南昌高新区+mentions", "en") == "Nanchang High-tech Zone (and mentions)"
    assert CATALOG.label("park:南昌高新区", "zh") == "南昌高新区"
    assert CATALOG.label("park:别处高新区", "en") == "别处高新区"


def test_names_in_english_change_no_tag_and_so_no_fingerprint() -> None:
    without = replace(CATALOG, parks=tuple(replace(park, english=()) for park in CATALOG.parks))
    assert without.fingerprint == CATALOG.fingerprint


@pytest.mark.parametrize("name", ["南昌", "High-tech Zone", "Hi-Tech Park"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    header = "name,full_name,province,city,name_en\n"
    line = f"新余高新区,新余高新技术产业开发区,江西省,新余市,{name}\n"
    (tmp_path / "parks.csv").write_text(header + line, encoding="utf-8")
    with pytest.raises(CatalogError, match="name_en"):
        load_catalog(override=tmp_path)
