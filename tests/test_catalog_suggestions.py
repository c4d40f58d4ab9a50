"""What somebody means who types half a word, pinyin, initials, a city, or one letter wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.catalog import load_catalog
from dispatch.catalog.suggest import KINDS, Match
from dispatch.errors import UsageError
from dispatch.model import Article, ParkTag, Role
from subscribers import directory
from subscribers.database import Database
from subscribers.model import Address, Preferences
from subscribers.routing import route
from tests.acts import at
from tests.cli.conftest import Office, office

__all__ = ["office"]
CATALOG = load_catalog()
FIRST = [
    # names and parts of them
    ("南昌", "park:南昌高新区"),
    ("南昌高新区", "park:南昌高新区"),
    ("南昌高", "park:南昌高新区"),
    ("苏州", "park:苏州高新区"),
    ("苏州工业", "park:苏州工业园区"),
    ("工业园区", "park:苏州工业园区"),
    ("松山湖", "park:松山湖高新区"),
    ("中关村", "park:中关村"),
    ("东湖", "park:东湖高新区"),
    ("稀土高新", "park:包头稀土高新区"),
    ("区块链", "topic:blockchain"),
    ("区块", "topic:blockchain"),
    ("人才", "topic:talent"),
    ("芯片", "topic:semiconductors"),
    ("园区发展", "column:huoju/parks"),
    ("火炬动态", "bulletin:huoju"),
    # aliases, cities and provinces
    ("光谷", "park:东湖高新区"),
    ("滨江", "park:杭州高新区"),
    ("东莞", "park:松山湖高新区"),
    ("江西", "province:江西省"),
    ("江西省", "province:江西省"),
    ("内蒙古", "province:内蒙古自治区"),
    ("广西", "province:广西壮族自治区"),
    ("惠州", "park:仲恺高新区"),
    ("江西 南昌", "park:南昌高新区"),
    # pinyin
    ("nanchang", "park:南昌高新区"),
    ("NanChang", "park:南昌高新区"),
    ("nan chang", "park:南昌高新区"),
    ("ｎａｎｃｈａｎｇ", "park:南昌高新区"),
    ("nanchang gaoxinqu", "park:南昌高新区"),
    ("suzhou", "park:苏州高新区"),
    ("suzhou gxq", "park:苏州高新区"),
    ("suzhou yuanqu", "park:苏州工业园区"),
    ("xian", "park:西安高新区"),
    ("jiangxi", "province:江西省"),
    ("guanggu", "park:东湖高新区"),
    ("qukuailian", "topic:blockchain"),
    ("rencai", "topic:talent"),
    ("lvse", "topic:low-carbon"),
    ("lüse", "topic:low-carbon"),
    ("luse", "topic:low-carbon"),
    ("wulumuqi", "park:乌鲁木齐高新区"),
    # English
    ("Nanchang High-tech Zone", "park:南昌高新区"),
    ("nanchang hi-tech", "park:南昌高新区"),
    ("nanchang high", "park:南昌高新区"),
    ("nachang hi-tech", "park:南昌高新区"),
    ("Suzhou Industrial Park", "park:苏州工业园区"),
    ("suzhou industrial", "park:苏州工业园区"),
    ("Suzhou High Tech", "park:苏州高新区"),
    ("Zhongguancun", "park:中关村"),
    ("zhongguancun science park", "park:中关村"),
    ("Xi’an High-tech Zone", "park:西安高新区"),
    ("east lake", "park:东湖高新区"),
    ("Inner Mongolia", "province:内蒙古自治区"),
    ("Tibet", "province:西藏自治区"),
    # characters that are read in several ways
    ("重庆", "province:重庆市"),
    ("chongqing", "province:重庆市"),
    ("chongqing gaoxin", "park:重庆高新区"),
    ("changsha", "park:长沙高新区"),
    ("changchun", "park:长春高新区"),
    ("changzhi", "park:长治高新区"),
    ("xiamen", "park:厦门火炬高新区"),
    ("bengbu", "park:蚌埠高新区"),
    ("zhongda", "topic:major-projects"),
    ("leshan", "park:乐山高新区"),
    # half typed
    ("nanch", "park:南昌高新区"),
    ("nanchangg", "park:南昌高新区"),
    ("jingde", "park:景德镇高新区"),
    ("shijiazh", "park:石家庄高新区"),
    ("blockch", "topic:blockchain"),
    ("rengongzhi", "topic:ai"),
    ("heilongj", "province:黑龙江省"),
    # initials, also beside whole syllables
    ("nc", "park:南昌高新区"),
    ("ncgxq", "park:南昌高新区"),
    ("nchang", "park:南昌高新区"),
    ("nanc", "park:南昌高新区"),
    ("zgc", "park:中关村"),
    ("jx", "province:江西省"),
    ("hlj", "province:黑龙江省"),
    ("szgyyq", "park:苏州工业园区"),
    ("qkl", "topic:blockchain"),
    ("rgzn", "topic:ai"),
    ("yqfz", "column:huoju/parks"),
    ("shjzh", "park:石家庄高新区"),
    # English
    ("blockchain", "topic:blockchain"),
    ("party building", "topic:party-building"),
    ("hydro", "topic:hydrogen"),
    ("ai", "topic:ai"),
    ("torch", "column:huoju/torch"),
    # a letter wrong, missing, too much, or two exchanged
    ("nanchamg", "park:南昌高新区"),
    ("nanchnag", "park:南昌高新区"),
    ("nnanchang", "park:南昌高新区"),
    ("sushou", "park:苏州高新区"),
    ("xiamne", "park:厦门火炬高新区"),
    ("hangzhuo", "park:杭州高新区"),
    ("blokchain", "topic:blockchain"),
    ("qukualian", "topic:blockchain"),
    # characters of the same sound, and traditional ones
    ("南昌高薪区", "park:南昌高新区"),
    ("蘇州", "park:苏州高新区"),
    ("區塊鏈", "topic:blockchain"),
    ("廈門", "park:厦门火炬高新区"),
]


@pytest.mark.parametrize(("word", "tag"), FIRST)
def test_the_first_suggestion(word: str, tag: str) -> None:
    assert [found.tag for found in CATALOG.suggest(word, 1)] == [tag]


def test_a_province_comes_with_its_parks_and_a_city_with_those_around_it() -> None:
    jiangxi = [found.tag for found in CATALOG.suggest("江西", 50)]
    assert jiangxi[0] == "province:江西省"
    assert set(jiangxi[1:]) >= {f"park:{park.name}" for park in CATALOG.parks if park.province == "江西省"}
    assert [found.tag for found in CATALOG.suggest("苏州", 4)] == [
        "park:苏州高新区",
        "park:苏州工业园区",
        "park:昆山高新区",
        "park:常熟高新区",
    ]


def test_better_matches_come_first() -> None:
    matches = [found.match for found in CATALOG.suggest("xian", 50)]
    assert matches == sorted(matches)
    assert matches[0] is Match.EXACT
    assert len(matches) > 3


@pytest.mark.parametrize(
    ("word", "kinds", "tag"),
    [
        ("重庆", ("park",), "park:重庆高新区"),
        ("jiangxi", ("province",), "province:江西省"),
        ("torch", ("bulletin",), "bulletin:huoju"),
        ("huoju", ("column",), "column:huoju/torch"),
    ],
)
def test_only_the_kinds_that_are_wanted(word: str, kinds: tuple[str, ...], tag: str) -> None:
    found = CATALOG.suggest(word, 50, kinds)
    assert found[0].tag == tag
    assert {item.kind for item in found} == set(kinds)


@pytest.mark.parametrize("word", ["", "  ", "qqqq", "1234567", "???", "%", "'", "\x00", "😀", "nanchang qqqq"])
def test_what_is_like_nothing_has_no_suggestion(word: str) -> None:
    assert CATALOG.suggest(word) == []


@given(st.text(max_size=80), st.integers(-5, 200))
@settings(deadline=None, max_examples=60)
def test_whatever_is_typed_gives_few_suggestions_each_once_that_can_be_followed(word: str, limit: int) -> None:
    found = CATALOG.suggest(word, limit)
    assert len(found) <= max(0, min(limit, 50))
    assert len({item.tag for item in found}) == len(found)
    assert all(CATALOG.resolve(item.tag) == item.tag and item.kind in KINDS for item in found)


def test_a_very_long_word_is_looked_at_as_far_as_names_go() -> None:
    assert CATALOG.suggest("gao" * 100_000) == []
    assert CATALOG.suggest("a" * 100_000) == []


def test_an_own_park_is_suggested_by_its_pinyin(tmp_path: Path) -> None:
    (tmp_path / "parks.csv").write_text("name,full_name,province,city\n六安高新区,六安高新区,安徽省,六安市\n", "utf-8")
    catalog = load_catalog(override=tmp_path)
    for word in ("luan", "liuan", "六安", "la"):
        assert "park:六安高新区" in [found.tag for found in catalog.suggest(word)]


@pytest.mark.parametrize(
    ("what", "hint"),
    [
        ("park:nanchang", "park:南昌高新区"),
        ("park:ncgxq", "park:南昌高新区"),
        ("province:jiangx", "province:江西省"),
        ("topic:qukuailian", "topic:区块链"),
        ("column:yuanqufazhan", "column:huoju/parks"),
        ("bulletin:huojudongtai", "bulletin:huoju"),
        ("nanchang", "park:南昌高新区"),
        ("zone:南昌", "park:南昌高新区"),
        ("qukuailain", "topic:blockchain"),
    ],
)
def test_an_unknown_follow_is_told_what_was_meant(what: str, hint: str) -> None:
    with pytest.raises(UsageError, match=r"Near it|did you mean") as caught:
        CATALOG.resolve(what)
    assert hint in str(caught.value)


def test_the_command_prints_what_can_be_followed(office: Office) -> None:
    (found,) = office.json("catalog", "search", "nan", "chang", "--limit", "1")
    assert found == {
        "kind": "park",
        "tag": "park:南昌高新区",
        "name": "南昌高新区",
        "match": "exact",
        "matched": "南昌",
    }
    assert "park:南昌高新区" in office("catalog", "search", "nc").stdout
    assert "nothing like it" in office("catalog", "search", "qqqq").stdout
    assert office.json("catalog", "search", "qqqq") == []
    office("catalog", "search", expect=2)
    office("catalog", "search", "nc", "--limit", "0", expect=2)


def test_who_follows_a_province_gets_a_park_that_joins_it_later(
    connect: Callable[[], Database], tmp_path: Path
) -> None:
    db = connect()
    with db.transaction():
        subscriber_id = directory.add(
            db,
            name="",
            addresses=[Address("email", "a@example.com", "email")],
            follows=[CATALOG.resolve("province:江西")],
            preferences=Preferences(),
            consent="asked",
            act=at(1),
        )
    (tmp_path / "parks.csv").write_text("name,full_name,province,city\n上饶高新区,上饶高新区,江西省,上饶市\n", "utf-8")
    article = Article("上饶", "", (), (ParkTag("上饶高新区", Role.SUBJECT),))
    elsewhere = Article("上饶", "", (), (ParkTag("上饶高新区", Role.MENTION),))

    def owed(tags: tuple[str, ...]) -> list[int]:
        found = route([(tag, 1) for tag in tags])
        return [row["endpoint_id"] for row in db.all(found.sql, {**found.params, "low": 0, "high": 1_000})]

    later = load_catalog(override=tmp_path)
    assert owed(CATALOG.tags_of(article, "huoju", "parks")) == []
    assert owed(later.tags_of(elsewhere, "huoju", "parks")) == []
    (endpoint,) = directory.get(db, subscriber_id).endpoints
    assert owed(later.tags_of(article, "huoju", "parks")) == [endpoint.id]


@pytest.mark.parametrize("word", ["gxq nanchang", "n c", "江西 南昌"])
def test_what_is_said_again_and_again_is_said_once(word: str) -> None:
    again = [found.tag for found in CATALOG.suggest(f"{word} {word} {word}", 50)]
    assert again
    assert set(again) <= {found.tag for found in CATALOG.suggest(word, 50)}
