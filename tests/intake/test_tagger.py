"""The tagger finds what an article is about, with evidence, and leaves look-alikes alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch.catalog import load_catalog
from dispatch.intake.tagger import Tagger
from dispatch.intake.topic_rules import MOST_TOPICS
from dispatch.model import Article, Block, BlockKind, ParkTag, Role, TopicTag

_SAMPLE = Path(__file__).parents[1] / "data" / "huoju-2022-05.expected.json"
_TAGGER = Tagger(load_catalog())


def _sample() -> list[dict[str, Any]]:
    issue = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    return [article for column in issue["columns"] for article in column["articles"]]


def _tagged(entry: dict[str, Any]) -> Article:
    blocks = tuple(Block(BlockKind(block["kind"]), block["text"]) for block in entry["blocks"])
    return _TAGGER.tag(Article(entry["title"], entry["credit"], blocks))


def _article(title: str = "", credit: str = "", *paragraphs: str) -> Article:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    return _TAGGER.tag(Article(title, credit, blocks))


def _subjects(article: Article) -> list[str]:
    return [park.name for park in article.parks if park.role is Role.SUBJECT]


def _named(text: str) -> set[str]:
    return {park.name for park in _article("", "", text).parks}


def _topics(article: Article) -> list[str]:
    return [topic.key for topic in article.topics]


@pytest.mark.parametrize("entry", _sample(), ids=lambda entry: entry["title"])
def test_the_samples_subjects(entry: dict[str, Any]) -> None:
    assert _subjects(_tagged(entry)) == entry["parks"]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("青年干部作专题报告", {"youth-and-science", "party-building"}),
        ("博士后开题报告会", {"talent"}),
        ("第一季度书记工作会", {"party-building"}),
        ("重大产业项目", {"major-projects", "biomedicine"}),
        ("好品山东", {"brands", "standards"}),
        ("揭榜挂帅", {"open-bidding", "industry-university"}),
        ("7家孵化器", {"incubation"}),
        ("区块链赋能", {"blockchain"}),
    ],
)
def test_the_samples_topics(title: str, expected: set[str]) -> None:
    entry = next(entry for entry in _sample() if title in entry["title"])
    assert expected <= set(_topics(_tagged(entry)))


def test_what_an_article_touches_in_passing_is_no_topic_of_it() -> None:
    by_title = {entry["title"]: _topics(_tagged(entry)) for entry in _sample()}
    report = next(keys for title, keys in by_title.items() if "区块链" in title)
    survey = next(keys for title, keys in by_title.items() if title.startswith("苏州高新区"))
    robots = next(keys for title, keys in by_title.items() if "7家孵化器" in title)
    assert report[0] == "blockchain"
    assert "talent" not in report
    assert not {"blockchain", "quantum", "ai", "semiconductors"} & set(survey)
    assert "robotics" not in robots


@pytest.mark.parametrize("entry", _sample(), ids=lambda entry: entry["title"])
def test_evidence_is_the_text_at_its_place(entry: dict[str, Any]) -> None:
    article = _tagged(entry)
    tags: tuple[ParkTag | TopicTag, ...] = (*article.parks, *article.topics)
    for tag in tags:
        assert tag.evidence
        for passage in tag.evidence:
            strings = {"title": article.title, "credit": article.credit}
            text = strings.get(passage.where) or article.blocks[passage.block].text
            assert text[passage.start : passage.end] == passage.text


def test_evidence_keeps_the_blanks_and_widths_of_the_text() -> None:
    article = _article("南昌 高新\u3000区开工", "", "ＶＲ产业")
    assert [passage.text for passage in article.parks[0].evidence] == ["南昌 高新\u3000区"]
    assert article.parks[0].evidence[0].end == 7


def test_evidence_behind_a_blank_beside_full_width_letters_stands_at_its_place() -> None:
    article = _article("", "", "５G\u3000 产业 ＶＲ 产业,南昌 高新区")
    assert [passage.text for passage in article.parks[0].evidence] == ["南昌 高新区"]


@pytest.mark.parametrize(
    ("text", "park"),
    [
        ("南昌国家高新区", "南昌高新区"),
        ("南昌国家级高新区", "南昌高新区"),
        ("南昌高新技术产业开发区", "南昌高新区"),
        ("南昌国家高新技术产业开发区", "南昌高新区"),
        ("南昌高新技术产业园区", "南昌高新区"),
        ("南昌高新园区", "南昌高新区"),
        ("潍坊市高新区", "潍坊高新区"),
        ("东莞市松山湖高新区", "松山湖高新区"),
        ("马鞍山国家高新区", "慈湖高新区"),
        ("南京高新区(江宁园)", "南京高新区"),
        ("常州国家高新区(新北区)", "常州高新区"),
        ("杭州高新区（滨江）", "杭州高新区"),
        ("厦门火炬高技术产业开发区", "厦门火炬高新区"),
        ("中关村国家自主创新示范区", "中关村"),
        ("西部（重庆）科学城", "重庆高新区"),
        ("杨凌农业高新技术产业示范区", "杨凌示范区"),
        ("张江高新区徐汇园", "张江高新区"),
    ],
)
def test_a_park_is_known_in_every_form(text: str, park: str) -> None:
    assert _named(f"会议在{text}召开。") == {park}


@pytest.mark.parametrize(
    ("text", "parks"),
    [
        ("郑州、洛阳、新乡国家高新技术产业开发区共建", {"郑州高新区", "洛阳高新区", "新乡高新区"}),
        ("来自合肥、芜湖和蚌埠三家高新区的代表", {"合肥高新区", "芜湖高新区", "蚌埠高新区"}),
        ("在南昌、景德镇、新余等国家高新区推广", {"南昌高新区", "景德镇高新区", "新余高新区"}),
        ("昆山、太仓、常熟高新区", {"昆山高新区", "常熟高新区"}),
        ("南昌、赣州、吉安等5个设区市的国家高新区", {"南昌高新区", "赣州高新区", "吉安高新区"}),
        ("陕西省西安市、四川省成都市高新区", {"西安高新区", "成都高新区"}),
        ("中关村、上海张江、武汉东湖等高新区", {"中关村", "张江高新区", "东湖高新区"}),
        ("安徽合肥、芜湖、蚌埠三地高新区", {"合肥高新区", "芜湖高新区", "蚌埠高新区"}),
        ("重庆三个国家高新区", set()),
        ("南京、重庆两家国家高新区", {"南京高新区", "重庆高新区"}),
        ("呼和浩特和包头高新区", {"呼和浩特金山高新区", "包头稀土高新区"}),
        ("南昌市、新余市高新区", {"南昌高新区", "新余高新区"}),
    ],
)
def test_places_share_one_word_at_the_end_of_their_list(text: str, parks: set[str]) -> None:
    assert _named(f"近日,{text}。") == parks


@pytest.mark.parametrize(
    "text",
    [
        "合肥新站高新区签约",
        "太仓高新区招商",
        "庐江高新区开工",
        "昆山经开区和昆山经济技术开发区",
        "昆山综合保税区开放",
        "苏州高新区综合保税区通关",
        "昆山高新技术创业服务中心成立",
        "在中关村电子市场买手机",
        "据中关村在线报道",
        "北京中关村一小的学生",
        "中关村大街堵车",
        "江苏中关村科技产业园",
        "保定·中关村创新中心",
        "天津滨海—中关村科技园",
        "同济医院光谷院区收治",
        "成都光谷的企业",
        "会议由张江平主持",
        "书记张江出席会议",
        "张江教授作报告",
        "医药高新区集聚企业",
        "盐城的滨海高新区",
        "南昌高新企业",
        "中电光谷签约,中电光谷在武汉建园,中电光谷投产",
        "光谷步行街入选",
        "兰州新区和长春新区",
        "西安高新区第一小学开学",
        "昆明高新区实验小学放假",
        "宝鸡高新区人民医院开诊",
        "上海张江高科发布年报",
        "廊坊的中关村信息谷开园",
        "在雄安新区,中关村科技园封顶",
        "惠州仲恺农业工程学院招生",
        "南京国家农高区揭牌",
    ],
)
def test_a_look_alike_is_no_park(text: str) -> None:
    assert _named(f"近日,{text}。") == set()


@pytest.mark.parametrize(
    ("text", "park"),
    [
        ("北京中关村的一家企业", "中关村"),
        ("中关村管委会出台办法", "中关村"),
        ("上海张江的实践", "张江高新区"),
        ("泰州市召开会议,医药高新区参加", "泰州医药高新区"),
        ("天津市召开会议,滨海高新区参加", "天津滨海高新区"),
        ("陕西杨凌育种", "杨凌示范区"),
        ("来自中关村的17家企业", "中关村"),
    ],
)
def test_a_loose_alias_counts_with_support(text: str, park: str) -> None:
    assert _named(f"近日,{text}。") == {park}


def test_loose_aliases_support_each_other_in_a_list() -> None:
    assert _named("对标中关村、张江、光谷。") == {"中关村", "张江高新区", "东湖高新区"}


def test_a_name_elsewhere_in_the_article_supports_a_loose_alias_but_not_a_man() -> None:
    article = _article("张江高新区座谈", "", "张江发展迅速。张江平主持会议。")
    assert [passage.text for passage in article.parks[0].evidence] == ["张江高新区", "张江"]


def test_a_loose_alias_that_the_article_repeats_beside_its_city_is_the_park() -> None:
    article = _article("", "", "光谷的企业走得快。", "光谷的创新见效,在武汉领先。", "光谷的未来可期。")
    assert [park.name for park in article.parks] == ["东湖高新区"]
    assert _named("光谷的企业。光谷的创新。光谷的未来。") == set()


def test_neighbours_with_like_names_stay_apart() -> None:
    article = _article("苏州高新区迈上新台阶", "苏州高新区", "苏州高新区与苏州工业园区、昆山高新区交流。")
    assert _subjects(article) == ["苏州高新区"]
    assert {park.name for park in article.parks} == {"苏州高新区", "苏州工业园区", "昆山高新区"}


@pytest.mark.parametrize(
    ("title", "credit", "lead", "subjects"),
    [
        ("高新区举办培训班", "南昌市科技局", "近日,培训班开班。", ["南昌高新区"]),
        ("我区举办培训班", "", "近日,新余市召开会议,我区举办培训。", ["新余高新区"]),
        ("高新区举办培训班", "合肥市科技局", "近日,庐江高新区举办培训。", []),
        ("高新区举办培训班", "上海市科委", "近日,培训班开班。", []),
        ("国家高新区座谈会召开", "科技部火炬中心", "会议在南昌市召开。", []),
        ("创新大会召开", "合肥高新", "近日,大会召开。", ["合肥高新区"]),
        ("培训班开班", "昆山高新技术创业服务中心", "近日开班。", []),
    ],
)
def test_the_park_of_a_bare_word_or_a_credit(title: str, credit: str, lead: str, subjects: list[str]) -> None:
    assert _subjects(_article(title, credit, lead)) == subjects


@pytest.mark.parametrize(
    ("credit", "text", "mentions"),
    [
        ("兰州市科技局", "副市长到城关区、高新区、安宁区调研。", ["兰州高新区"]),
        ("绵阳市科技局", "涪城区、游仙区和高新区要出台细则。", ["绵阳高新区"]),
        ("天津市滨海新区发改委", "经开区、保税区、高新区负责人发言。", ["天津滨海高新区"]),
        ("泸州市发改委", "高新区、长江经开区各布局一个。", ["泸州高新区"]),
        ("科技部火炬中心", "经开区、高新区、保税区要用好政策。", []),
        ("绵阳市科技局", "要推动高新区发展,各区都要行动。", []),
        ("合肥市科技局", "蜀山区、高新区和合肥新站高新区参加。", []),
    ],
)
def test_a_bare_word_among_a_citys_districts_is_a_mention(credit: str, text: str, mentions: list[str]) -> None:
    article = _article("会议召开", credit, "近日,会议召开。", text)
    assert [(park.name, park.role) for park in article.parks] == [(name, Role.MENTION) for name in mentions]


def test_a_park_is_a_subject_by_title_credit_lead_or_share_of_the_text() -> None:
    assert _subjects(_article("火炬中心调研", "", "主任一行赴南昌高新区调研。")) == ["南昌高新区"]
    many = _article("座谈会", "", "南昌高新区、新余高新区、抚州高新区、赣州高新区的代表参加。")
    assert _subjects(many) == []
    assert len(many.parks) == 4
    later = ("会议召开。", "合肥高新区率先。合肥高新区推进。合肥高新区见效。", "芜湖高新区也参加。")
    assert _subjects(_article("会议", "", *later)) == ["合肥高新区"]


@pytest.mark.parametrize(
    ("title", "paragraphs", "subjects"),
    [
        # A visit goes from one to the next.
        (
            "调研组赴甘肃",
            ("调研组到甘肃。", "在兰州高新区,调研组察看企业。", "在白银高新区,调研组听取汇报。"),
            {"兰州高新区", "白银高新区"},
        ),
        ("调研报告", ("调研情况如下。", "其中,兰州高新区进展较快,项目落地多。"), set()),
        ("一季度经济平稳", ("全国平稳。", "南京高新区增长,常州高新区、苏州高新区、无锡高新区也增长。"), set()),
        (
            "服务企业案例",
            (
                "各地行动。",
                "济南高新区出台措施。",
                "东湖高新区贴息。",
                "西安高新区设立基金。",
                "保定、唐山、承德高新区减免房租。",
            ),
            set(),
        ),
        # The only one, if it is named again.
        ("一家企业的十年", ("企业成长很快。", "公司在芜湖高新区建厂。", "芜湖高新区派出专员。"), {"芜湖高新区"}),
        ("一位院士的报告", ("院士谈创新。", "他以合肥高新区为例。"), set()),
        # The title counts them.
        (
            "三家高新区受表扬",
            ("鹰潭高新区、吉安高新区、新余高新区受到表扬。",),
            {"鹰潭高新区", "吉安高新区", "新余高新区"},
        ),
        ("受表扬的单位", ("鹰潭高新区、吉安高新区、新余高新区受到表扬。",), set()),
        # Where several come from, who is named for many, and who leads a ranking.
        ("大赛落幕", ("来自珠海高新区、佛山高新区的企业获奖。",), set()),
        ("大赛落幕", ("珠海高新区、佛山高新区等单位组队参加。",), set()),
        ("评价公布", ("苏州工业园区、深圳高新区位列前两名。",), set()),
        (
            "评价公布",
            ("中关村科技园区、南昌高新区、苏州工业园区、合肥高新技术产业开发区、深圳高新区位列前五。",),
            set(),
        ),
        ("评价公布", ("苏州工业园区、深圳高新区分列第一、第二位。",), set()),
        # The list counts itself, and so does a title where the lead names one of them only.
        (
            "自创区揭牌",
            ("国务院同意哈尔滨、大庆、齐齐哈尔3个国家高新区建设自创区。",),
            {"哈尔滨高新区", "大庆高新区", "齐齐哈尔高新区"},
        ),
        (
            "两家高新区带队",
            ("遵义高新区去年获批。", "其他地方跟进,安顺高新区发展航空。"),
            {"遵义高新区", "安顺高新区"},
        ),
        # One of a city's districts and zones, and who only has a house in another's park.
        ("市长调研", ("市长到张店区、淄博高新区、淄博经济开发区调研。", "在淄博高新区的工地,他听取汇报。"), set()),
        ("柯城的实验室", ("衢州市柯城区把科创飞地设在了杭州高新区。",), set()),
        ("新厂投产", ("淄博高新区、张店区共建的工厂投产。",), {"淄博高新区"}),
        ("基金成立", ("郑州高新区、郑州航空港区、洛阳高新区联合成立基金。",), {"郑州高新区", "洛阳高新区"}),
        # Where something is held, unless the text tells of the park as well.
        ("年报会审会举行", ("会审会在常州高新区举行。", "各地人员参加。", "质量不断提高。"), set()),
        ("大赛举行", ("总决赛在西安高新区举行。", "各队参加。", "西安高新区发布人才政策。"), {"西安高新区"}),
        # What a meeting is shown, who is invited, what came first and what somebody left.
        ("现场会召开", ("现场会在自贡召开。与会人员参观了自贡高新区的产业园。", "会议提出要求。"), set()),
        ("专家把脉", ("三江新区邀请常州高新区产业专家到企业问诊。", "专家提出建议。"), set()),
        ("示范区获批", ("继南昌高新区之后,又一家示范区获批。", "省里提出要求。"), set()),
        ("新厂开业", ("从苏州工业园区迁来的企业举行开业典礼。", "新厂占地80亩。"), set()),
        ("芯片研制成功", ("记者从合肥高新区获悉,一款芯片研制成功。", "芯片功耗很低。"), {"合肥高新区"}),
        # A list that says how many it has, and one that says that there are more.
        ("省里授牌", ("省里授予杭州高新区、温州高新区等两家单位称号。",), {"杭州高新区", "温州高新区"}),
        ("专项部署", ("首批在苏州工业园区和杭州高新区等地先行先试。", "专项将建立项目库。"), set()),
        # Of two in the lead the one with which the text goes on; of those in the text the one that several paragraphs
        # tell of, and not an example in one of them.
        (
            "研发飞地",
            ("深圳高新区的楼里,常州高新区的企业正忙着。", "样品送往常州高新区中试。", "订单很多。"),
            {"常州高新区"},
        ),
        (
            "三次搬家",
            ("公司在旧厂房里成立。", "它搬到苏州高新区。", "常州高新区给出一块地。", "常州高新区有六十家企业。"),
            {"常州高新区"},
        ),
        (
            "跨越死亡谷",
            ("路很长。" * 9, "绵阳高新区先用。绵阳高新区采购。绵阳高新区列清单。", "人怎么留?" * 9),
            set(),
        ),
        (
            "航天集团与两家园区签约",
            ("集团与孝感高新区、武进高新区签约。", "武进高新区造相机。", "卫星在孝感总装。"),
            {"孝感高新区", "武进高新区"},
        ),
        # A round-up and a journey, a paragraph for each.
        (
            "园区动态两则",
            ("柳州高新区:一季度产值增长。", "德州高新区:研究院揭牌。"),
            {"柳州高新区", "德州高新区"},
        ),
        (
            "调研集群建设",
            ("调研组赴山东。", "调研组首先来到济宁高新区,察看铸造中心。", "随后,调研组前往烟台高新区,走访企业。"),
            {"济宁高新区", "烟台高新区"},
        ),
        # Another zone in the lead that the text names more often.
        ("玻璃十年", ("合肥新站高新区立起烟囱,合肥高新区刚刚起步。", "合肥新站高新区有百家企业。"), set()),
    ],
)
def test_what_an_article_is_about_where_no_title_says_it(
    title: str, paragraphs: tuple[str, ...], subjects: set[str]
) -> None:
    assert set(_subjects(_article(title, "", *paragraphs))) == subjects


@pytest.mark.parametrize(
    ("title", "paragraphs", "mentions"),
    [
        (
            "合肥新站高新区一季度新签约项目21个",
            ("据悉，合肥高新区、合肥经开区等也在同日举行了签约活动。",),
            {"合肥高新区"},
        ),
        ("太仓高新区德企突破500家", ("该区与苏州高新区、昆山高新区错位发展。",), {"苏州高新区", "昆山高新区"}),
        (
            "太仓高新区举行推介会",
            (
                "太仓高新区推介太仓高新区的土地。太仓高新区签约。",
                "苏州高新区派员参加。太仓高新区和太仓高新区的企业发言。",
            ),
            {"苏州高新区"},
        ),
        ("庐江高新区新引进电池企业", ("厂房距合肥高新区50公里。",), {"合肥高新区"}),
        ("合肥经开区新引进三家企业", ("此前合肥高新区也引进了两家。",), {"合肥高新区"}),
        ("苏州高新区综合保税区一季度进出口增长", ("增幅高于昆山高新区。",), {"昆山高新区"}),
        ("花桥经开区推介会举行", ("推介会邀请昆山高新区参会。",), {"昆山高新区"}),
        ("雄安新区中关村科技园揭牌", ("中关村科学城管委会负责人出席。",), {"中关村"}),
        ("推介会举行", ("推介会在太仓举行，苏州高新区派员参加。",), {"苏州高新区"}),
        ("庐江县引进电池企业", ("庐江县引进一家企业。企业的人才来自各地，也有合肥高新区的。",), {"合肥高新区"}),
        ("昆山经开区到苏州工业园区学习改革", ("干部们来到苏州工业园区。",), {"苏州工业园区"}),
        ("两江新区的螺丝", ("螺丝产自重庆高新区。", "机器人很多。"), {"重庆高新区"}),
        ("海南自贸区扩大清单", ("海口高新区的药企享受新政。",), {"海口高新区"}),
        ("常山县在杭州高新区建起“人才飞地”", ("飞地在杭州高新区启用。",), {"杭州高新区"}),
    ],
)
def test_a_park_in_an_article_about_another_place_is_a_mention(
    title: str, paragraphs: tuple[str, ...], mentions: set[str]
) -> None:
    article = _article(title, "", *paragraphs)
    assert _subjects(article) == []
    assert {park.name for park in article.parks} == mentions


def test_where_the_first_park_of_a_title_goes_is_a_mention_unless_it_tells_of_it_itself() -> None:
    text = "湘潭高新区招商中心在深圳挂牌。", "中心设在深圳高新区的楼里。"
    title = "湘潭高新区在深圳高新区设立招商中心"
    assert _subjects(_article(title, "湘潭高新区", *text)) == ["湘潭高新区"]
    assert set(_subjects(_article(title, "深圳高新区", *text))) == {"湘潭高新区", "深圳高新区"}


def test_a_park_named_once_in_what_another_city_supplied_is_a_mention() -> None:
    text = "台儿庄区与济南高新区企业签约。", "项目分两期建设。"
    assert _subjects(_article("材料项目签约", "枣庄市投资促进中心", *text)) == []
    assert _subjects(_article("材料项目签约", "遂宁日报", *text)) == []
    assert _subjects(_article("材料项目签约", "济南市科技局", *text)) == ["济南高新区"]
    assert _subjects(_article("材料项目签约", "科技日报", *text)) == ["济南高新区"]


def test_a_bare_word_for_where_something_is_held_is_a_mention() -> None:
    held = _article("轴承对接会举办", "洛阳市科技局", "洛阳市科技局在高新区举办对接会。")
    assert _subjects(held) == []
    assert [park.name for park in held.parks] == ["洛阳高新区"]
    assert _subjects(_article("用工不愁", "潍坊市科技局", "高新区举办招聘会。")) == ["潍坊高新区"]


def test_companies_of_a_loose_name_make_it_the_park() -> None:
    assert [park.name for park in _article("展会开幕", "", "其中,中关村的25家企业参展。").parks] == ["中关村"]
    assert _article("卖场谢幕", "", "中关村的25家店铺搬走了。").parks == ()


def test_a_park_is_a_subject_beside_another_zone_only_by_a_share_of_the_text() -> None:
    often = "合肥高新区来谈。合肥高新区出资。合肥高新区派人。"
    assert _subjects(_article("花桥经开区引来伙伴", "", often + "花桥经开区感谢。")) == ["合肥高新区"]
    assert _subjects(_article("花桥经开区引来伙伴", "", often + "花桥经开区感谢。" * 4)) == []
    assert _subjects(_article("合作签约", "", "会议召开。", often + "花桥经开区感谢。" * 5)) == ["合肥高新区"]
    many = ("会议召开。", often + "芜湖高新区也来。", "花桥经开区感谢。" * 9)
    assert _subjects(_article("合作签约", "", *many[:2])) == ["合肥高新区"]
    assert _subjects(_article("合作签约", "", *many)) == []


def test_a_park_in_the_title_is_a_subject_beside_another_zone() -> None:
    assert _subjects(_article("合肥高新区与合肥经开区签约", "", "合肥经开区负责人到场。" * 5)) == ["合肥高新区"]


@pytest.mark.parametrize(
    "word",
    [
        *(
            "联合",
            "携手",
            "会同",
            "协同",
            "依托",
            "落户",
            "入驻",
            "支持",
            "推动",
            "助力",
            "对接",
            "深入",
            "走访",
            "调研",
        ),
        *("陪同", "带领", "邀请", "指导", "组织", "联手", "牵手", "携", "经", "至"),
    ],
)
def test_a_verb_before_a_bare_word_is_no_other_zones_name(word: str) -> None:
    text = f"近日，宜昌市科技局{word}高新区管委会举办银企对接会。"
    assert _subjects(_article("高新区举办银企对接会", "", text)) == ["宜昌高新区"]


@pytest.mark.parametrize("place", ["庐江", "庐江县", "合肥新站", "太仓市", "博望", "神农架", "长阳"])
def test_a_place_before_it_is_another_zones_name(place: str) -> None:
    assert _article("高新区举办银企对接会", "宜昌市科技局", f"近日，{place}高新区举办银企对接会。").parks == ()


def test_a_verb_before_a_bare_word_in_a_title() -> None:
    assert _subjects(_article("宜昌市科技局联合高新区举办对接会", "", "近日举办。")) == ["宜昌高新区"]


def test_the_parties_that_a_title_counts_are_equal_and_the_host_is_no_more() -> None:
    five = {"南京高新区", "无锡高新区", "常州高新区", "苏州高新区", "镇江高新区"}
    signed = "南京、无锡、常州、苏州、镇江五市高新区日前签署合作协议。"
    held = "签约仪式在常州高新区举行。会后在常州高新区召开座谈会。活动于常州高新区落幕。"
    assert set(_subjects(_article("苏南五市高新区联手打造产业创新集群", "", signed, held))) == five
    assert set(_subjects(_article("苏南联手打造产业创新集群", "", signed, held))) == five


def test_a_list_that_is_counted_in_one_sentence_of_many_gives_mentions() -> None:
    listed = "大庆、哈尔滨、齐齐哈尔3个国家高新区参加。"
    assert len(_subjects(_article("大会召开", "", listed))) == 3
    long = _article("大会召开", "", listed, *("专家在会上作了报告，介绍了技术的最新进展。" * 3,) * 3)
    assert _subjects(long) == []
    assert len(long.parks) == 3
    six = "大庆、哈尔滨、齐齐哈尔、长春、鞍山、营口6个国家高新区参加。"
    assert _subjects(_article("大会召开", "", six)) == []


def test_a_heading_above_paragraphs_says_whose_they_are() -> None:
    blocks = (
        Block(BlockKind.PARAGRAPH, "各地做法如下。"),
        Block(BlockKind.HEADING, "一、兰州高新区"),
        Block(BlockKind.PARAGRAPH, "建设中试平台,设立基金,服务企业。"),
        Block(BlockKind.HEADING, "二、白银高新区"),
        Block(BlockKind.PARAGRAPH, "推行一网通办,建设标准厂房。"),
    )
    assert set(_subjects(_TAGGER.tag(Article("经验交流", "", blocks)))) == {"兰州高新区", "白银高新区"}


@pytest.mark.parametrize(
    ("title", "credit", "lead", "subjects"),
    [
        ("火炬高新区发布办法", "厦门市科技局", "近日发布。", ["厦门火炬高新区"]),
        ("火炬高新区发布办法", "威海市科技局", "近日发布。", ["威海火炬高新区"]),
        ("火炬高新区发布办法", "", "厦门、威海两地近日发布。", []),
        ("火炬高新区发布办法", "", "近日发布。", []),
        ("高新园区发布办法", "大连市科技局", "近日发布。", ["大连高新区"]),
        ("高新区召开大会", "太原市科技局", "近日召开。", ["太原高新区"]),
    ],
)
def test_a_park_without_its_city_is_told_by_the_city(title: str, credit: str, lead: str, subjects: list[str]) -> None:
    assert _subjects(_article(title, credit, lead)) == subjects


def test_the_short_name_counts_where_the_park_is_named_and_a_companys_never() -> None:
    article = _article("西安高新区", "", "西安高新坚持创新。西安高新技术企业增加,西安高新医院开诊,西安高新股份上市。")
    assert [found.text for found in article.parks[0].evidence] == ["西安高新区", "西安高新"]
    assert _named("苏州高新发行债券。") == set()


def test_what_a_loose_alias_is_compared_with_is_a_park_and_a_mention() -> None:
    article = _article("郑州高新区的路", "", "与中关村不同,郑州高新区起步晚。")
    assert [(park.name, park.role) for park in article.parks] == [
        ("郑州高新区", Role.SUBJECT),
        ("中关村", Role.MENTION),
    ]
    assert _named("与中关村不同。") == set()


def test_terms_inside_a_parks_name_or_a_counter_term_do_not_count() -> None:
    assert _topics(_article("泰州医药高新区召开会议", "", "泰州医药高新区召开会议。")) == []
    assert "brands" not in _topics(_article("打造党建品牌", "", "支部品牌建设。"))
    assert "brands" in _topics(_article("打造知名品牌", "", "品牌建设。"))


def test_latin_terms_are_whole_words() -> None:
    assert _topics(_article("led server email 15gb", "", "train email daily.")) in ([], ["optoelectronics"])
    assert "virtual-reality" in _topics(_article("VR产业发展", "", "VR产业集聚。"))


def test_topics_are_few_and_ranked() -> None:
    text = "人工智能、生物医药、集成电路、新材料、氢能、区块链、机器人产业集群,孵化器、人才引进、知识产权。"
    topics = _article(text, "", text).topics
    assert len(topics) == MOST_TOPICS
    assert [topic.score for topic in topics] == sorted((topic.score for topic in topics), reverse=True)


def test_an_empty_article_has_no_tags() -> None:
    assert _article() == Article("", "", ())
