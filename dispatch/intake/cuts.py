"""Whether a paragraph was cut, by a page end, and goes on in the next: what sources divide they mostly mean apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from dispatch.intake.folding import ends_sentence, is_enumerated, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.intake.numbering import pieces_of

LONG = 25  # characters of a paragraph that is hardly a line of its own, such as a name or a heading
_LONG_ROW = 12  # the same where the next row stands right below
_SHORTEST = 8  # characters of a paragraph that is taken for a cut one because others of the document are
_LONGEST_ALONE = 40
_LONGEST_NAME = 20
_SURELY_CUT = 30  # characters of a first half that tells that a document's paragraphs are cut
_LEAST_CUTS = 2

_CAPTION = re.compile(
    r"(?:[(（]?(?:图|表|照片|附图|附表)\s*[\d一二三四五六七八九十]{1,3}|[(（]?图[为:：]|▲|△|(?:Figure|Fig\.|Photo|Table)\s|"
    r"注\s*\d*[:：]|(?:资料|数据|图片)来源[:：])"
)
_BYLINE = re.compile(
    r"[(（□■◎●]?\s*(?:(?:本[报刊网社台]|特约|实习|首席|见习|新华社)*(?:记者|通讯员|评论员)|作者|编辑|责编|责任编辑|供稿|撰稿|"
    r"撰文|摄影|图文|图|文)\s*(?:[:：/／|｜]|\s)\s*\S.*"
)
_DATE = re.compile(
    r"[\d〇零○一二三四五六七八九十]{4}\s*年\s*[\d一二三四五六七八九十]{1,3}\s*月(?:\s*[\d一二三四五六七八九十]{1,3}\s*日)?"
)
_ORGANISATION = re.compile(
    r"[^,，。;；:：、]{2,}(?:中心|委员会|管委会|工委|党委|部委|局|厅|办|处|司|办公室|政府|协会|学会|联合会|研究院|研究所|大学|"
    r"学院|公司|集团|报社|编辑部|理事会|组委会|指挥部|领导小组)"
)
_SALUTATION = re.compile(r"(?:尊敬的|敬爱的|亲爱的|各位|全体)[^。]*|[^,，。]*(?:同志们?|朋友们?|女士们?|先生们?|读者)")
_LABELLED = re.compile(r"[^,，。;；:：“”\"\s]{2,8}\s*[:：]\s*\S.*")
_SUBTITLE = re.compile(r"[—―–─-]{2,}\s*\S")
_CONNECTIVE = re.compile(  # the end of a text that cannot end there; not 普及, 参与, 存在 …
    r"(?:的|(?<!共)和|(?<!普)及|(?<!参)与|或|(?<![应面绝])对|(?<![所存现潜])在|(?<!名)将|把|被|(?<![等善])于|并|且|而|是)\Z"
)
_ADDRESSED = re.compile(r"各[^,，。:：]{2,36}[:：]")
_OPEN_END = tuple(",，、(（“‘《【「『")
_GOES_ON = tuple(",，、。.;；:：!！?？)）】》”’」』%％℃的们")
_AFTER_QUOTATION = "的是等和与及、,，。;；:：为在中上下里后前时一者了也都被将以之而或"
_QUOTED = tuple("”’」』）)》")
_COUNTED = "个家项亿万元名件人次年月日平公千吨米台套种条%％"  # what a number is followed by
_BEGUN = re.compile(  # a sentence that has a beginning, and so should have an end
    r"(?:近日|日前|近年来|近期|今年|去年|同时|截至|截止|目前|会上|会后|会议|据悉|据了解|此外|其中|随后|当天|当日|下一步|为此|因此|"
    r"[\d〇零一二三四五六七八九十]+[年月日])[^,，。:：]{0,12}[,，]"
)
_INNER_STOP = re.compile(r"[。！？!?][^。！？!?]")
_COMMA = re.compile(r"[,，。;；]")
_PAIRS = (("“", "”"), ("‘", "’"), ("（", "）"), ("(", ")"), ("《", "》"))


class Joint(Enum):
    """What becomes of a paragraph without an end and the text below it."""

    APART = "apart"
    SHORT = "short"  # too short to tell by itself: apart, unless the words around the seam say more
    UNSURE = "unsure"  # joined, and to be told of
    SURE = "sure"


def is_caption(text: str) -> bool:
    """图1 会议现场, (图为…), 注:…: words to a picture or a table."""
    return len(text) <= 60 and _CAPTION.match(text) is not None and not is_prose(text)


def stands_alone(text: str) -> bool:
    """Whether a short line is whole without a stop: a caption, a byline, a date, who signs, a subtitle, a salutation,
    a labelled line (时间:七月一日)."""
    if is_caption(text):
        return True
    if len(text) > _LONGEST_ALONE or ends_sentence(text) or text.endswith(_OPEN_END) or is_unfinished(text):
        return False
    if (
        _ADDRESSED.fullmatch(text)
        or _SUBTITLE.match(text)
        or _BYLINE.fullmatch(text)
        or _DATE.fullmatch(text)
        or _LABELLED.fullmatch(text)
    ):
        return True
    if len(text) <= _LONGEST_NAME and (_ORGANISATION.fullmatch(text) or _SALUTATION.fullmatch(text)):
        return True
    pieces = pieces_of(text) if any(map(str.isdigit, text)) else None
    return pieces is not None and pieces.date is not None and not pieces.rest


def is_unfinished(text: str) -> bool:
    """Whether a text ends inside brackets or quotation marks: it is cut, not a heading."""
    return any(text.count(left) > text.count(right) for left, right in _PAIRS)


def is_cut_number(left: str, right: str) -> bool:
    """Whether a number stands on both sides of a seam."""
    return left[-1].isdigit() and right[0].isdigit()


def follows_quotation(char: str) -> bool:
    """Whether a text that begins with this character may go on behind a quotation."""
    return char in _AFTER_QUOTATION


def joint(left: str, length: int, line: Line, *, over_page: bool, evident: bool) -> Joint:
    """What becomes of a paragraph that does not end as a sentence does, and the line below it.

    `left` is the paragraph's last part, `length` the whole one's; `over_page` says that a page ends between the two,
    `evident` that others of the document are cut (`evidently_cut`).
    """
    text = line.text
    if _SUBTITLE.match(text) or (length == len(left) and stands_alone(left)):
        return Joint.APART
    if _is_seam(left, text):
        return Joint.SURE
    if stands_alone(text):
        return Joint.APART
    if _CONNECTIVE.search(left[-2:]) or (over_page and length >= _SHORTEST):
        return Joint.SURE
    if left.endswith(_QUOTED):
        return Joint.UNSURE if length >= LONG or evident else Joint.SHORT
    if length >= LONG:
        return Joint.SURE if evident or length > len(left) or _COMMA.search(left) else Joint.UNSURE
    if _INNER_STOP.search(left) or _BEGUN.match(left) or (evident and length >= _SHORTEST):
        return Joint.UNSURE
    return Joint.UNSURE if length >= _LONG_ROW and not line.gap else Joint.SHORT


def _is_seam(left: str, right: str) -> bool:
    """Whether the two sides themselves say that nothing ends between them."""
    if left.endswith(_OPEN_END) or right.startswith(_GOES_ON) or is_unfinished(left) or is_cut_number(left, right):
        return True
    if (left.endswith(_QUOTED) and right[0] in _AFTER_QUOTATION) or (left[-1].isdigit() and right[0] in _COUNTED):
        return True
    western = left[-1].isascii() and left[-1].isalnum()
    return western and right[0].isascii() and right[0].islower()


def evidently_cut(lines: Sequence[Line]) -> bool:
    """Whether paragraphs of a document are cut: several long ones have no end, and the rest of a sentence below."""
    content = [line for line in lines if not line.rule and line.text and line.kind is not LineKind.NOTE]
    cuts = sum(_is_plain_cut(left, right) for left, right in pairwise(content))
    return cuts >= _LEAST_CUTS


def _is_plain_cut(left: Line, right: Line) -> bool:
    if left.kind is not LineKind.TEXT or right.kind is not LineKind.TEXT or left.hinted or right.hinted:
        return False
    if len(left.text) < _SURELY_CUT or ends_sentence(left.text) or left.text[-1] in ":：;；)）":
        return False
    return (
        _COMMA.search(left.text) is not None
        and ends_sentence(right.text)
        and not is_enumerated(right.text)
        and not stands_alone(left.text)
    )
