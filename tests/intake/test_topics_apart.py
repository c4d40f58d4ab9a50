"""Topics that lie near each other: an article gets both only where it gives a reason for each."""

from __future__ import annotations

import pytest

from dispatch.catalog import load_catalog
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind

_CATALOG = load_catalog()
_TAGGER = Tagger(_CATALOG)


def _topics(title: str, text: str) -> set[str]:
    article = Article(title, "", tuple(Block(BlockKind.PARAGRAPH, part) for part in text.split("\n")))
    return {topic.key for topic in _TAGGER.tag(article).topics}


@pytest.mark.parametrize(
    ("title", "text", "there", "not_there"),
    [
        (
            "高新区发布首批揭榜挂帅榜单",
            "高新区发布首批技术攻关榜单，12家企业提出关键技术需求。\n任务以揭榜的办法交给有能力的团队，"
            "发榜企业与揭榜单位签订军令状，攻关任务按里程碑考核。",
            {"open-bidding"},
            {"core-technology"},
        ),
        (
            "企业打破国外垄断",
            "公司研制的设备填补国内空白，打破国外垄断，获国家科学技术奖。\n团队攻克了密封的技术难题，国产化率达到九成。",
            {"core-technology"},
            {"open-bidding"},
        ),
        (
            "揭榜挂帅项目打破国外垄断",
            "去年揭榜挂帅的项目有了结果，揭榜单位研制的设备填补国内空白。\n它打破国外垄断，国产化率达到九成。",
            {"open-bidding", "core-technology"},
            set(),
        ),
        (
            "园区污水处理厂完成扩建",
            "污水处理厂完成扩建，工业废水经处理后中水回用，断面水质达标。\n节能环保企业参加了河道治理。",
            {"environment"},
            {"low-carbon"},
        ),
        (
            "节能环保装备出口",
            "园区的节能环保装备出口多国，节能环保企业去年新增20家。\n绿色环保的理念深入人心，绿色环保装备受欢迎。",
            {"environment"},
            {"low-carbon"},
        ),
        (
            "节能技术推广会举行",
            "节能技术推广会在园区举行，12项节能技术供企业选用。",
            {"low-carbon"},
            {"environment"},
        ),
        (
            "高新区建成近零碳园区",
            "园区为企业建立碳账户，推广节能技术，碳排放强度下降两成。\n用能单位安装能耗监测，余热利用满足供暖。",
            {"low-carbon"},
            {"environment"},
        ),
        (
            "数字化车间让产量翻番",
            "企业的数字化车间投产，机器换人，自动化率达到九成。\n全市推进制造业数字化转型，为工厂做数字化改造和数字化诊断。",
            {"smart-manufacturing"},
            {"digital-economy"},
        ),
        (
            "数据交易所挂牌",
            "数据交易所在高新区挂牌，数据要素市场又进一步，首批数据资产完成登记。\n大数据企业和云计算企业参加了签约。",
            {"digital-economy"},
            {"smart-manufacturing"},
        ),
        (
            "火炬讲堂第三期举办",
            "火炬讲堂第三期在京举办，讲座介绍园区的管理经验。\n各园区的青年干部参加学习。",
            set(),
            {"youth-and-science"},
        ),
        ("青年干部座谈会召开", "管委会召开青年干部座谈会，青年干部谈了体会。", set(), {"youth-and-science"}),
        (
            "全国科普日活动走进校园",
            "科普日活动走进校园，院士为中小学生讲科学知识，孩子们动手做科学实验。",
            {"youth-and-science"},
            set(),
        ),
        (
            "一季度签约项目总投资50亿元",
            "一季度，高新区签约项目12个，总投资50亿元，其中制造业30亿元。\n上半年还将有8个项目落户。",
            {"investment"},
            {"economy"},
        ),
        (
            "一季度工业增加值同比增长9%",
            "一季度，高新区规上工业增加值同比增长9%，营业收入520亿元，经济运行稳中有进。",
            {"economy"},
            set(),
        ),
        (
            "高新区推出“创新积分贷”",
            "高新区推出“创新积分贷”，首批30家企业按积分办理，手续两天办完。",
            {"finance", "innovation-points"},
            set(),
        ),
        (
            "高新区深化对德合作",
            "高新区深化对德合作，又有三家德企落户，中德双方的学徒开始培训。",
            {"international"},
            set(),
        ),
        ("对日合作再深化", "对日合作园区迎来新伙伴，日资企业扩大厂房。", {"international"}, set()),
    ],
)
def test_topics_that_lie_near_each_other(title: str, text: str, there: set[str], not_there: set[str]) -> None:
    found = _topics(title, text)
    assert there <= found
    assert not not_there & found


def test_each_topic_is_described_in_chinese_and_in_english() -> None:
    for topic in _CATALOG.topics:
        for sentence, end in ((topic.described("zh"), "。"), (topic.described("en"), ".")):
            assert sentence.endswith(end)
            assert len(sentence) > 6
        assert topic.described("en").isascii() or topic.key == "specialised-enterprises"
        assert any("\u4e00" <= char <= "\u9fff" for char in topic.described("zh"))
