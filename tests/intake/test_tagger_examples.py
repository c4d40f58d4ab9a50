"""A park that an article about a trade, a company's shares, another place or another park names is a mention."""

from __future__ import annotations

import pytest

from dispatch.catalog import load_catalog
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind

_TAGGER = Tagger(load_catalog())


def _roles(title: str, credit: str, *paragraphs: str) -> dict[str, str]:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    return {park.name: str(park.role) for park in _TAGGER.tag(Article(title, credit, blocks)).parks}


@pytest.mark.parametrize(
    ("title", "lead", "rest"),
    [
        (
            "康复机器人走进社区",
            "王大爷在社区练习走路,帮他的外骨骼是常州高新区一家企业生产的。",
            "业内人士认为,租赁是普及的关键。",
        ),
        ("零碳供暖怎么走", "徐州高新区的一座锅炉房里,热泵取代了煤。", "国家能源局数据显示,清洁取暖率已达到76%。"),
        ("雪山上的气象站", "气象站的电池由合肥高新区的一家公司提供。", "牧民扎西每周上山一次,擦去镜头上的冰。"),
        ("长江大桥换索", "新拉索的传感器出自株洲高新区。", "市交通局表示,大桥封闭一车道施工。"),
    ],
)
def test_an_example_or_a_supplier_in_the_lead_is_a_mention(title: str, lead: str, rest: str) -> None:
    assert set(_roles(title, "", lead, rest).values()) == {"mention"}


@pytest.mark.parametrize(
    ("title", "lead", "rest"),
    [
        ("国产首款脑起搏器获批", "常州高新区企业的脑起搏器3月获批上市。", "公司计划明年扩产,专家认为前景可期。"),
        ("株洲造传感器上桥", "长江大桥的传感器出自株洲高新区。", "市交通局表示,大桥封闭一车道施工。"),
        ("首台样机下线", "徐州高新区的厂房里,首台样机下线。", "整机重700吨,一铲能挖60吨煤。"),
    ],
)
def test_a_companys_news_is_its_parks_where_the_lead_says_it(title: str, lead: str, rest: str) -> None:
    assert set(_roles(title, "", lead, rest).values()) == {"subject"}


def test_companies_alone_in_a_text_about_a_trade_are_mentions() -> None:
    trade = ("专家认为,行业还在早期。", "赣州高新区的一家企业用微波处理。", "据测算,每吨成本1900元。")
    assert _roles("叶片去哪儿了", "", *trade, "赣州高新区这家企业希望有规定。") == {"赣州高新区": "mention"}
    assert _roles("叶片去哪儿了", "", "赣州高新区用微波处理叶片。", "赣州高新区还将扩产。") == {"赣州高新区": "subject"}


def test_a_listed_companys_works_are_mentions() -> None:
    lead = "锐德股份晚间公告,拟募资10亿元,用于佛山高新区和芜湖高新区两处工厂。"
    assert _roles("拟扩产", "", lead, "公司毛利率34%,股价昨日微涨。") == {
        "佛山高新区": "mention",
        "芜湖高新区": "mention",
    }


def test_companies_that_come_are_a_mention_in_the_news_of_the_city_where_they_go() -> None:
    title, lead = "合肥高新区企业落户六安", "4月8日,合肥高新区企业的新工厂在六安奠基。"
    assert _roles(title, "六安市商务局", lead) == {"合肥高新区": "mention"}
    assert _roles(title, "合肥高新区", lead) == {"合肥高新区": "subject"}


def test_a_parks_own_report_is_about_it_however_often_it_names_another() -> None:
    visit = (
        "代表团前往苏州工业园区考察。",
        "苏州工业园区介绍了做法,苏州工业园区科创委作了说明。",
        "苏州工业园区回访。",
    )
    expected = {"蚌埠高新区": "subject", "苏州工业园区": "mention"}
    assert _roles("蚌埠高新区赴苏州工业园区考察", "蚌埠高新区", *visit) == expected
    assert _roles("跳起来摘桃子", "蚌埠高新区", *visit) == expected


def test_a_survey_of_all_zones_is_about_none_of_them() -> None:
    text = ("上市企业共1811家。", "其中中关村467家,深圳高新区206家。", "中关村的科创板企业最多。")
    assert _roles("国家高新区上市企业分布", "", *text) == {"中关村": "mention", "深圳高新区": "mention"}


def test_who_wins_companies_for_a_park_acts_for_it() -> None:
    text = "来自天津滨海高新区的招商员三天跑了四趟北京。", "天津滨海高新区去年引进项目116个。"
    assert _roles("一条产线的诞生", "", "去年春天,企业找不到厂房。", *text) == {"天津滨海高新区": "subject"}


@pytest.mark.parametrize(
    "text",
    [
        "武汉光谷国际网球中心迎来比赛,光谷国际网球中心座无虚席,光谷国际网球中心启用。",
        "厦门火炬传递活动在环岛路开始,厦门火炬手跑完全程。",
        "研究员张江说,做试验没有热闹可看。上海的学生们都说,张江的凳子最旧,张江的文献最新,张江很忙。",
    ],
)
def test_a_stadium_a_relay_and_a_man_are_no_parks(text: str) -> None:
    assert _roles("消息", "", text) == {}


@pytest.mark.parametrize(
    ("text", "parks"),
    [
        ("深圳、苏州工业园区、杭州等高新区居前", {"深圳高新区", "苏州工业园区", "杭州高新区"}),
        ("西安、杨凌示范区、宝鸡等3家国家高新区入选", {"西安高新区", "杨凌示范区", "宝鸡高新区"}),
        ("苏州、无锡、常州三市的国家高新区先行先试", {"苏州高新区", "无锡高新区", "常州高新区"}),
        ("南昌、新余两市国家高新区先行先试", {"南昌高新区", "新余高新区"}),
        ("宁波、苏州工业园区、杭州高新区", {"苏州工业园区", "杭州高新区"}),
    ],
)
def test_whole_names_stand_among_those_that_share_one(text: str, parks: set[str]) -> None:
    assert set(_roles("", "", f"日前,{text}。")) == parks


@pytest.mark.parametrize(
    ("text", "park"),
    [
        ("崑山高新區", "昆山高新区"),
        ("龍巖高新區", "龙岩高新区"),
        ("楊淩示範區", "杨凌示范区"),
        ("寶鷄高新區", "宝鸡高新区"),
        ("甯波高新區", "宁波高新区"),
        ("長春淨月高新區", "长春净月高新区"),
    ],
)
def test_other_forms_of_traditional_characters_are_known(text: str, park: str) -> None:
    assert set(_roles("", "", f"近日，{text}舉行會議。")) == {park}
