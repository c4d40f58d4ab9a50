"""What only looks like a park is none, and each park is found beside its look-alikes."""

from __future__ import annotations

import pytest

from dispatch.catalog import Park, load_catalog
from dispatch.catalog.words import city_shorts, province_short, zone_head
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, Role

_CATALOG = load_catalog()
_TAGGER = Tagger(_CATALOG)


def _article(title: str = "", credit: str = "", *paragraphs: str) -> Article:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    return _TAGGER.tag(Article(title, credit, blocks))


def _named(*paragraphs: str) -> set[str]:
    return {park.name for park in _article("", "", *paragraphs).parks}


def _subjects(article: Article) -> set[str]:
    return {park.name for park in article.parks if park.role is Role.SUBJECT}


def _mentions(article: Article) -> set[str]:
    return {park.name for park in article.parks if park.role is Role.MENTION}


@pytest.mark.parametrize("park", _CATALOG.parks, ids=lambda park: park.name)
def test_every_park_is_found_by_its_names_and_by_no_other_parks(park: object) -> None:
    own = next(one for one in _CATALOG.parks if one is park)
    for name in (own.name, own.full_name, *own.aliases):
        loose = name in ("中关村",)
        text = f"近日,北京{name}召开会议。" if loose else f"近日,{name}召开会议。"
        assert _named(text) == {own.name}, name


_TAILS = (
    *("高新区", "国家高新区", "国家级高新区", "高新园区", "高新技术开发区", "高新技术产业园区", "高新技术产业开发区"),
    *(
        "国家高新技术产业开发区",
        "国家级高新技术产业开发区",
        "高新区管委会",
        "高新技术产业开发区管理委员会",
        "高新区党工委",
    ),
)
_RANKS = ("", "国家", "国家级", "市", "市国家", "市国家级")


def _forms(park: Park) -> set[str]:
    """A park's names in all forms in use: short and full, with its rank, with city and province, its committee."""
    cities, province = city_shorts(park.city), province_short(park.province)
    found = set()
    for name in (park.full_name, *park.aliases, *(() if park.name == "中关村" else (park.name,))):
        found |= {name, f"{park.province}{name}", f"{province}{name}", f"{name}管委会"}
        head = zone_head(name)
        for city in cities if head else ():
            rest = head.removeprefix(city) if head.startswith(city) else head
            within = {f"{city}{rest}", f"{city}市{rest}", head}
            found |= {place + tail for place in within for tail in _TAILS}
            found |= {f"{region}{place}高新区" for region in (province, park.province) for place in within}
            if head.startswith(city):
                found |= {f"{city}{rank}{rest}高新区" for rank in _RANKS}
    return found


@pytest.mark.parametrize("park", _CATALOG.parks, ids=lambda park: park.name)
def test_every_form_in_use_is_that_park_alone(park: Park) -> None:
    found = {form: _named(f"近日,{form}召开会议。") for form in _forms(park)}
    assert {form: parks for form, parks in found.items() if parks != {park.name}} == {}


@pytest.mark.parametrize(
    ("zone", "park"),
    [
        *(("中关村", "中关村"), ("上海张江", "张江高新区"), ("武汉东湖", "东湖高新区"), ("深圳", "深圳高新区")),
        *(("天津", "天津滨海高新区"), ("成都", "成都高新区"), ("西安", "西安高新区"), ("重庆", "重庆高新区")),
        ("杭州", "杭州高新区"),
    ],
)
@pytest.mark.parametrize("tail", ["国家自主创新示范区", "自主创新示范区", "国家自创区", "自创区"])
def test_a_demonstration_zone_of_one_city_is_its_park(zone: str, park: str, tail: str) -> None:
    assert _named(f"近日,{zone}{tail}召开会议。") == {park}


@pytest.mark.parametrize("zone", ["苏南", "长株潭", "合芜蚌", "山东半岛", "珠三角", "郑洛新", "鄱阳湖"])
def test_a_demonstration_zone_of_several_cities_is_none_of_their_parks(zone: str) -> None:
    assert _named(f"近日,{zone}国家自主创新示范区召开会议。") == set()


@pytest.mark.parametrize(
    ("text", "park"),
    [
        ("江苏泰州国家级医药高新区", "泰州医药高新区"),
        ("泰州医药高新技术产业开发区", "泰州医药高新区"),
        ("潍坊市高新区", "潍坊高新区"),
        ("南昌市高新技术产业开发区", "南昌高新区"),
        ("江西省南昌国家高新技术产业开发区", "南昌高新区"),
        ("西安国家级高新技术产业开发区", "西安高新区"),
        ("大连高新园区", "大连高新区"),
        ("杨凌农业高新技术产业示范区", "杨凌示范区"),
        ("新疆生产建设兵团石河子高新技术产业开发区", "石河子高新区"),
        ("马鞍山慈湖国家高新区", "慈湖高新区"),
        ("惠州仲恺国家高新区", "仲恺高新区"),
        ("湖州市莫干山高新区", "莫干山高新区"),
        ("呼和浩特国家级金山高新区", "呼和浩特金山高新区"),
        ("中山火炬高技术产业开发区", "中山火炬高新区"),
        ("厦门火炬高新技术产业开发区", "厦门火炬高新区"),
        ("南京高新区(江宁园)", "南京高新区"),
        ("佛山高新区南海园", "佛山高新区"),
        ("中关村科技园区海淀园", "中关村"),
        ("中关村昌平园", "中关村"),
        ("中关村软件园", "中关村"),
        ("張江高新區", "张江高新区"),
        ("蘇州高新區", "苏州高新区"),
        ("鄭州高新技術產業開發區", "郑州高新区"),
        ("廈門火炬高新區", "厦门火炬高新区"),
        ("武漢東湖新技術開發區", "东湖高新区"),
        ("蘇州工業園區", "苏州工业园区"),
        ("雄安高新区", "雄安高新区"),
        ("河北雄安高新技术产业开发区", "雄安高新区"),
    ],
)
def test_a_form_in_use_is_the_park(text: str, park: str) -> None:
    assert _named(f"近日,{text}召开会议。") == {park}


@pytest.mark.parametrize(
    "text",
    [
        "合肥新站高新区",
        "合肥新站高新技术产业开发区",
        "太仓高新区",
        "江苏省太仓高新技术产业开发区",
        "庐江高新区",
        "毕节高新区",
        "张家港高新区",
        "南京白下高新区",
        "郑州金水高新区",
        "江苏省中关村高新技术产业开发区",
        "昆山经济技术开发区",
        "昆山经开区",
        "苏州经开区",
        "西安高新综合保税区",
        "苏州高新区综合保税区",
        "成都高新综合保税区",
        "昆山高新技术创业服务中心",
        "南昌高新技术企业协会",
        "合肥高新股份公司",
        "兰州新区",
        "天津滨海新区",
        "雄安新区",
        "雄安新区中关村科技园",
        "中关村贵阳科技园",
        "保定·中关村创新中心",
        "天津滨海-中关村科技园",
        "江苏中关村科技产业园",
        "中关村在线",
        "中关村电子市场",
        "中关村大街",
        "中关村第一小学",
        "中关村一小",
        "北京中关村中学",
        "北京中关村医院",
        "同济医院光谷院区",
        "武汉光谷步行街",
        "光谷黄冈科技产业园",
        "张江长三角科技城平湖园",
        "张江药谷嘉善产业园",
        "张江镇",
        "上海张江路",
        "松山湖景区",
    ],
)
def test_a_look_alike_is_nothing(text: str) -> None:
    assert _named(f"近日,{text}举行活动,来宾参观了{text}。", f"据悉,{text}今年发展良好。") == set()


def test_the_parks_of_suzhou_and_its_cities_stay_apart() -> None:
    for name in ("苏州高新区", "苏州工业园区", "昆山高新区", "常熟高新区"):
        article = _article(f"{name}发布年报", "", f"{name}的收入增长。")
        assert _subjects(article) == {name}
        assert not _mentions(article)
    assert _named("苏州高新区、苏州工业园区、昆山高新区、太仓高新区、昆山经开区到会。") == {
        *("苏州高新区", "苏州工业园区", "昆山高新区"),
    }


def test_zhang_jiangping_is_a_man_beside_the_park() -> None:
    article = _article("张江高新区座谈", "", "副厅长张江平主持会议,张江平强调要落实责任。")
    assert [found.text for found in article.parks[0].evidence] == ["张江高新区"]
    assert _named("张江平教授一行来访。", "张江平说。", "张江平介绍上海的情况。") == set()


def test_a_satellite_is_not_the_park_however_often_it_is_named() -> None:
    text = "中关村贵阳科技园由北京和贵阳共建,中关村贵阳科技园发展迅速。"
    assert _named(text, text) == set()
    assert _named("北京中关村的企业来到贵阳。") == {"中关村"}


@pytest.mark.parametrize("blank", ["\n", " ", "\n  ", "\u3000"])
def test_a_name_split_over_a_line_is_found_at_its_place(blank: str) -> None:
    article = _article("", "", f"近日,昆山高{blank}新区召开会议。")
    assert [(park.name, park.evidence[0].text) for park in article.parks] == [("昆山高新区", f"昆山高{blank}新区")]


def test_a_name_split_over_two_paragraphs_is_found_where_it_begins() -> None:
    article = _article("", "", "截至年底,昆山高", "新区载体增加。")
    assert [(park.name, [found.text for found in park.evidence]) for park in article.parks] == [
        ("昆山高新区", ["昆山高"])
    ]
    assert _named("我们来到昆山高。", "新区的载体增加。") == set()


def test_evidence_in_traditional_characters_is_the_text() -> None:
    article = _article("南昌高新區舉行大會", "", "區塊鏈產業大會在南昌高新區舉行,區塊鏈企業參加。")
    assert article.parks[0].evidence[0].text == "南昌高新區"
    assert {found.text for found in article.topics[0].evidence} >= {"區塊鏈"}


@pytest.mark.parametrize(
    ("title", "credit", "lead", "subjects"),
    [
        ("高新区举办培训班", "新余市科技局", "指导高新区开展工作。", {"新余高新区"}),
        ("新余:高新区举办培训班", "", "近日开班。", {"新余高新区"}),
        ("高新区举办培训班", "", "近日,昆山市(苏州市)培训班开班。", {"昆山高新区"}),
        ("高新区举办培训班", "长春市科技局", "近日开班。", {"长春高新区"}),
        ("我区召开大会", "宝鸡高新区", "近日召开。", {"宝鸡高新区"}),
        ("高新区赴苏州高新区考察", "新余市科技局", "近日成行。", {"新余高新区", "苏州高新区"}),
        ("高新区举办培训班", "太仓市科技局", "苏州市太仓市开班。", set()),
        ("高新区举办培训班", "", "近日开班。", set()),
        ("高新区举办培训班", "", "南昌市、新余市派人参加。", set()),
        ("科技部召开会议", "", "会议在南昌市召开,对高新区提出要求。", set()),
        ("高新区举办培训班", "重庆市科技局", "永川高新区开班。", {"永川高新区"}),
    ],
)
def test_a_bare_word_is_the_park_of_the_city_or_left_open(
    title: str, credit: str, lead: str, subjects: set[str]
) -> None:
    assert _subjects(_article(title, credit, lead)) == subjects


def test_what_a_park_is_measured_by_is_a_mention() -> None:
    article = _article("南昌高新区对标中关村示范区", "", "南昌高新区学习苏州高新区。")
    assert _subjects(article) == {"南昌高新区"}
    assert _mentions(article) == {"苏州高新区", "中关村"}
    guests = _article("创新大赛落幕", "", "来自成都高新区的企业获奖。")
    assert (_subjects(guests), _mentions(guests)) == (set(), {"成都高新区"})


def test_heads_that_share_a_word_are_subjects_where_the_text_goes_on_about_them() -> None:
    article = _article(
        "郑洛新自创区成绩",
        "",
        "郑州、洛阳、新乡国家高新技术产业开发区建设示范区以来成效显著。",
        "郑州、洛阳、新乡高新区推行改革。",
    )
    assert _subjects(article) == {"郑州高新区", "洛阳高新区", "新乡高新区"}
