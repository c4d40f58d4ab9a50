"""Names and terms are found with and without blanks, in traditional characters and as radicals, not in other words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.catalog import Catalog, OtherZone, Park, Topic, load_catalog
from dispatch.intake.characters import RADICALS, simplified
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, Role

_CATALOG = load_catalog()
_TAGGER = Tagger(_CATALOG)


def _article(text: str, catalog: Catalog | None = None) -> Article:
    tagger = Tagger(catalog) if catalog else _TAGGER
    return tagger.tag(Article("", "", (Block(BlockKind.PARAGRAPH, text),)))


def _parks(text: str, catalog: Catalog | None = None) -> set[str]:
    return {park.name for park in _article(text, catalog).parks}


def _terms(text: str, topic: Topic) -> set[str]:
    """The words of the text that say the topic."""
    catalog = replace(_CATALOG, topics=(topic,))
    # Said as often as it takes, so that the topic is one.
    return {found.text for tag in _article(f"{text}。" * 30, catalog).topics for found in tag.evidence}


def _topic(*terms: str, counter_terms: tuple[str, ...] = ()) -> Topic:
    return Topic("t", "题", "T", "industries", "D.", tuple((term, 3.0) for term in terms), counter_terms)


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("ic设计企业", "IC 设计企业", "IC 设计企业"),
        ("IC 设计企业", "IC设计企业", "IC设计企业"),
        ("5G应用", "5G 应用", "5G 应用"),
        ("5g 应用", "5G\u3000应用", "5G\u3000应用"),
        ("智能ai", "智能 AI", "智能 AI"),
        ("5g", "建成 5G 基站", "5G"),
        ("micro led", "Micro LED显示屏", "Micro LED"),
        ("micro led", "MicroLED 显示屏", "MicroLED"),
        ("micro led显示屏", "Micro LED 显示屏", "Micro LED 显示屏"),
        ("Micro LED 显示屏", "MicroLED显示屏", "MicroLED显示屏"),
        ("micro led", "Micro  LED显示屏", "Micro  LED"),
        ("micro led", "Micro\u00a0LED显示屏", "Micro\u00a0LED"),
        ("micro led", "Micro \t\u3000 LED显示屏", "Micro \t\u3000 LED"),
        ("micro led", "新Micro\nLED显示屏", "Micro\nLED"),
        ("micro led", "Micro \n LED 显示屏", "Micro \n LED"),
        ("micro  led", "Micro LED显示屏", "Micro LED"),
        ("micro led显示屏", "Micro   LED   显示屏", "Micro   LED   显示屏"),
    ],
)
def test_a_blank_beside_latin_letters_hides_no_term(term: str, text: str, found: str) -> None:
    assert _terms(text, _topic(term)) == {found}


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("5g", "容量 15GB"),
        ("5g", "容量 1 5GB"),
        ("ic", "Music 设计"),
        ("micro led", "Micro LEDs 屏"),
        ("micro led", "Micro" + " " * 60 + "LED"),
    ],
)
def test_a_part_of_a_latin_word_is_no_term(term: str, text: str) -> None:
    assert _terms(text, _topic(term)) == set()


def test_a_counter_term_stops_its_term_in_either_spelling() -> None:
    topic = _topic("led", counter_terms=("led 大屏",))
    assert _terms("LED大屏", topic) == _terms("LED 大屏", topic) == set()
    assert _terms("LED灯", topic) == {"LED"}


def _old_park() -> Catalog:
    park = Park("新塢高新區", "新塢高新技術產業開發區", "江西省", "新塢市", None, ("新塢智慧園區",), ("烏谷",))
    return replace(_CATALOG, parks=(*_CATALOG.parks, park))


@pytest.mark.parametrize(
    "text",
    [
        "新坞高新区",
        "新塢高新區",
        "新坞国家高新技术产业开发区",
        "新坞智慧园区",
        "新坞市乌谷",
        "南昌、新坞高新区",
        "江西新坞高新区",
    ],
)
def test_a_park_in_traditional_characters_is_found_and_keeps_its_name(text: str) -> None:
    assert "新塢高新區" in _parks(f"近日,{text}召开会议。", _old_park())


def test_tags_of_a_park_in_traditional_characters_have_the_name_by_which_it_is_followed() -> None:
    catalog = _old_park()
    article = _article("新坞高新区召开会议,新坞高新区发展很快。", catalog)
    assert [(park.name, park.role) for park in article.parks] == [("新塢高新區", Role.SUBJECT)]
    assert {"park:新塢高新區", "province:江西省"} <= set(catalog.tags_of(article, "huoju", "parks"))


def test_terms_and_other_zones_in_traditional_characters_are_found() -> None:
    assert _terms("风筝产业", _topic("風箏產業")) == {"风筝产业"}
    assert _terms("风筝产业", _topic("风筝", counter_terms=("風箏產業",))) == set()
    zones = (*_CATALOG.zones, OtherZone("新塢南昌高新技術產業開發區", "江西省", "省级高新区"))
    assert _parks("近日,新坞南昌高新区召开会议。") == {"南昌高新区"}
    assert _parks("近日,新坞南昌高新区召开会议。", replace(_CATALOG, zones=zones)) == set()


def test_a_name_in_capitals_is_found() -> None:
    park = Park("E谷高新区", "E谷高新技术产业开发区", "江西省", "新塢市")
    assert _parks("近日,E谷高新区召开会议。", replace(_CATALOG, parks=(park,))) == {"E谷高新区"}


@pytest.mark.parametrize("text", ["⻄安⾼新区", "西安髙新区", "西安⾼新⼯业园区和西安髙新技术产业开发区", "⻄安髙新區"])
def test_radicals_and_variants_are_the_characters_that_they_look_like(text: str) -> None:
    found = _article(f"近日,{text}召开会议。")
    assert {park.name for park in found.parks} == {"西安高新区"}
    assert all(evidence.text in text for park in found.parks for evidence in park.evidence)


def test_a_radical_is_one_character_and_a_simplified_one() -> None:
    assert all(len(plain) == 1 for plain in RADICALS.values())
    assert simplified("⾞⻋⾧⻓⼯髙") == "车车长长工高"


@pytest.mark.parametrize(
    "text",
    [
        "长春高新区块链有限公司",
        "济南高新区块链公司",
        "杭州高新区域性股权",
        "宁波高新区隔",
        "南昌高新区域外项目",
        "南昌高新技术产业开发区域",
        "合肥、芜湖高新区块链企业",
    ],
)
def test_a_name_that_runs_on_into_another_word_is_no_park(text: str) -> None:
    assert _parks(f"近日,{text}发布消息。") == set()


@pytest.mark.parametrize("after", ["别具一格", "间接融资", "区块链企业", "区域", ",隔离", "的区域"])
def test_a_name_before_a_word_of_its_own_is_the_park(after: str) -> None:
    assert _parks(f"近日,南昌高新区{after}发布消息。") == {"南昌高新区"}


def test_what_runs_on_is_not_taken_for_the_citys_park() -> None:
    blocks = (Block(BlockKind.PARAGRAPH, "南昌市科技局举办活动,高新区块链企业参加。"),)
    assert _TAGGER.tag(Article("高新区块链企业参加活动", "南昌市科技局", blocks)).parks == ()


def test_a_catalog_without_places_is_no_hindrance() -> None:
    empty = replace(_CATALOG, parks=(), zones=())
    assert _parks("高新区的企业来自南昌高新区,中关村也有。", empty) == set()
