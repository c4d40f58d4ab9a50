"""Parks that an article about something else names: by an example of a trade, or as the place a thing comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatch.intake.passages import TEXT, Hit, Passage, lead

# The article goes on about a trade at large: 业内人士认为, 民政部数据显示, 全国目前有419家医院, 多地正在探索.
_AT_LARGE = re.compile(
    r"专家|业内|分析师|从业者|(?:数据|统计|报告|调查)》?显示|行业协会|各地|多地"
    r"|(?:学会|协会|商会|研究会)[^,。;:!?]{0,8}(?:认为|预计|测算|表示|负责人|介绍|呼吁|建议)"
    r"|(?:教授|院士|研究员)[^,。;:!?]{0,4}(?:认为|判断|表示|指出|建议|说)"
    r"|全国(?:目前)?(?:已有?|共有?|累计|有|将|每年|约)|据(?:测算|统计|了解,全国)|国家[^,。;:!?]{1,8}(?:总局|委|局|部)"
    r"|(?:财政|民政|教育|商务|科技|卫健委|发改委|(?:农业农村|人社|工信|自然资源|生态环境|交通运输)部)"
    r"(?:部|厅)?(?:数据|介绍|统计|发布|印发|出台|要求)"
)
# It goes on about the company or the park of which the lead tells: 公司计划, 这家企业, 园区为项目.
_GOES_ON = re.compile(
    r"(?:该|这家)(?:公司|企业|厂|园区|项目)|(?:该|整个|首个)?项目(?:总|投|达|首|一|二|分|由|负责|团队|建|用|占|经理)"
    r"|(?:公司|企业|厂)(?:计划|负责人|总经理|董事长|创始人|创办|成立|已|将|还|先后|今年|去年|目前|自|为此|准备|现|拥有)"
    r"|园区|管委会|高新区|开发区|研发(?:团队|组|人员)|研制(?:团队|组)|团队|车间|产线|生产线|厂区"
)
# What is told of was made or supplied there: 由宁波高新区的一家公司提供, 出自杨凌示范区, 在青海高新区组装.
_FROM_BEFORE = ("来自", "出自", "产自", "产于", "源自", "购自")
_MADE = "(?:提供|生产|供货|供应|制造|配套|封装|承建|代工|组装|研制|研发|开发)"
_BY_AFTER = re.compile(rf"[^,。;:!?]{{0,24}}?{_MADE}")
_AT_AFTER = re.compile(rf"(?:的[^,。;:!?]{{0,10}})?{_MADE}")
_IS_AFTER = re.compile(rf"[^,。;:!?]{{0,24}}?{_MADE}的")


# 苏州工业园区企业博瑞药业, 成都高新区的一家公司.
_COMPANY_FOLLOWS = re.compile(r"的?(?:[一二两三四五六七八九十\d]{1,3}家)?[^,。;:!?的]{0,4}(?:企业|公司)")
# News of a listed company is about its shares, wherever its works are: 晚间公告, 拟定增募资10亿元, 毛利率34%.
_OF_SHARES = re.compile(r"公告|招股书|募资|募集资金|定增|股价|发行价|毛利率|净利润|科创板|北交所|涨停|控股权")
_WORDS_OF_SHARES = 3
# A text that says so often that it looks at a trade does so throughout.
_PARAGRAPHS_AT_LARGE = 2


def is_example(parts: Sequence[Passage], own: Sequence[Hit], cities: Sequence[str]) -> bool:
    """A park that the article names by `own` alone is an example in it; `cities` are the short names of the cities that
    the park lies in.

    The article is a listed company's news; or the park stands once, in the lead of a text that goes on about a trade or
    another place's affairs; or only its companies are named in a text about a trade. An article whose title names the
    city, or that goes on about the company of which the lead tells, is about the park: 襄阳造智轨电车跑进阿布扎比.
    """
    if any(hit.passage.where != TEXT for hit in own) or any(city in parts[0].text for city in cities):
        return False
    if _is_of_shares(parts):
        return True
    if len(own) == 1 and own[0].passage is lead(parts):
        return _is_lead_example(parts, own[0])
    return names_companies_alone(own) and _times_at_large(parts) >= _PARAGRAPHS_AT_LARGE


def names_companies_alone(own: Sequence[Hit]) -> bool:
    """A park's companies do something, and never the park: 苏州工业园区企业到阜阳建厂."""
    return all(_COMPANY_FOLLOWS.match(hit.after) for hit in own)


def _is_lead_example(parts: Sequence[Passage], hit: Hit) -> bool:
    rest = [part for part in parts if part.where == TEXT and part is not hit.passage]
    if any(_GOES_ON.search(part.text) for part in rest):
        return False
    return _is_supplier(hit) or _times_at_large(rest) > 0


def _is_of_shares(parts: Sequence[Passage]) -> bool:
    return len({word for part in parts for word in _OF_SHARES.findall(part.text)}) >= _WORDS_OF_SHARES


def _times_at_large(parts: Sequence[Passage]) -> int:
    return sum(1 for part in parts if part.where == TEXT and _AT_LARGE.search(part.text))


def _is_supplier(hit: Hit) -> bool:
    before, after = hit.before, hit.after
    if before.endswith("由"):
        return _BY_AFTER.match(after) is not None
    if before.endswith("是"):
        return _IS_AFTER.match(after) is not None
    return before.endswith(_FROM_BEFORE) or (before.endswith("在") and _AT_AFTER.match(after) is not None)
