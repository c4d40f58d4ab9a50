"""Topics are known by the words that their news uses, and not by words that only lie across others."""

from __future__ import annotations

import pytest

from dispatch.catalog import load_catalog
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind

_TAGGER = Tagger(load_catalog())


def _topics(title: str, *paragraphs: str) -> list[str]:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    return [topic.key for topic in _TAGGER.tag(Article(title, "", blocks)).topics]


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("new-energy", "公司新投用的拉晶炉昼夜运转,异质结电池片的转换效率再上一个百分点,产品发往各地的屋顶电站。"),
        ("semiconductors", "厂内12英寸特色工艺月投片量稳步爬升,封测企业就在隔壁。"),
        ("business-environment", "窗口推行容缺受理和告知承诺,帮办人员全程陪同,交地当天就拿到施工许可证。"),
        ("finance", "公司在深交所敲钟,募集5亿元;此前的两轮股权投资和一笔无抵押贷款帮它渡过难关。"),
        ("medical-devices", "留置针、球囊导管和骨科耗材拿到三类注册证,医院不再全靠进口。"),
        ("biomedicine", "单抗进入三期临床,一致性评价过了四个口服制剂品种,新车间按GMP建造。"),
        ("talent", "硕士可领租房补贴,博士可住人才公寓,配偶就业和子女入学有专人帮助。"),
        ("safety", "罐区泄漏,消防站出动堵漏洗消;演练后对九处隐患限期整改。"),
        ("new-materials", "海绵钛经熔炼锻造成棒,钛合金箔材比纸还薄,稀土永磁厂就在对面。"),
        ("technology-transfer", "技术经理人走访课题组,撮合交易,把职务成果送进中试车间。"),
        ("low-carbon", "企业上线能碳管理平台,余热利用一年节约标准煤两万吨,碳足迹有了账本。"),
        ("agriculture", "水肥一体化和虫情监测铺进果园,新品种亩产增加,合作社的农户说划算。"),
    ],
)
def test_a_text_that_does_not_name_its_topic_has_it(topic: str, text: str) -> None:
    assert topic in _topics("记者走基层", text)


@pytest.mark.parametrize(
    ("topic", "title"),
    [
        ("automotive", "制造车间和量产车间"),
        ("business-environment", "引进企业十家,入驻企业百家"),
        ("business-environment", "促进企业成长"),
        ("city-and-industry", "科创城开园,文创文化节开幕"),
        ("finance", "情报会商,通过会议纪要,保持稳定增长"),
        ("international", "开展线上合作,上海智能大会"),
        ("international", "其中意向客户,在其中外出"),
        ("marine", "上海工程技术大学"),
        ("standards", "会议进行标题评选,中国标杆"),
        ("brands", "推动高质量发展"),
        ("services", "北京东城和南京东路"),
        ("new-materials", "优化工作、深化工改、绿化工地"),
        ("cybersecurity", "中国密云"),
        ("incubation", "科创园区安全检查"),
    ],
)
def test_a_term_across_two_other_words_is_none(topic: str, title: str) -> None:
    assert topic not in _topics(title, title + "。")


def test_beside_a_topic_that_stands_out_a_weak_one_falls_away() -> None:
    aside = "企业另有发明专利申请,专利授权两件,专利导航一项。"
    assert "intellectual-property" in _topics("记者走基层", aside)
    text = "氢燃料电池堆、制氢、储氢、加氢站、膜电极、双极板和绿氢项目,氢能重卡和液氢示范。" * 3
    assert _topics("氢能产业:制氢、储氢、加氢站、燃料电池、膜电极", text, aside) == ["hydrogen"]
