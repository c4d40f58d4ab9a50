"""The colophon: addresses, telephone numbers and editors, which are no article."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dispatch.intake.folding import is_prose, plain
from dispatch.intake.line import Line

_WORDS = (
    *(
        "地址",
        "邮编",
        "邮政编码",
        "电话",
        "联系电话",
        "投稿电话",
        "传真",
        "网址",
        "网站",
        "邮箱",
        "电子邮箱",
        "投稿邮箱",
        "电子邮件",
        "E-mail",
        "Email",
    ),
    *(
        "编辑部地址",
        "编辑部",
        "责任编辑",
        "责编",
        "主编",
        "副主编",
        "总编",
        "总编辑",
        "编委会",
        "编辑",
        "审核",
        "校对",
        "签发",
    ),
    *(
        "主办",
        "主办单位",
        "主管",
        "主管单位",
        "编印",
        "编发",
        "印发",
        "印制",
        "出版日期",
        "印数",
        "准印证号",
        "内部资料",
        "微信公众号",
    ),
    *("报送", "抄送", "抄报", "发送", "报", "送"),
)
_CONTACT = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}|[((]?0\d{2,3}[))-]?\d{7,8}(?:-\d{1,5})?",
    re.ASCII,
)
_LONGEST = 120


class Colophon:
    """Recognises the lines of a colophon by the words they begin with."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        known = sorted({*_WORDS, *words}, key=lambda word: (-len(word), word))
        self._labelled = re.compile(rf"(?:{'|'.join(map(re.escape, known))})(?:单位|部门|人)?[::]", re.IGNORECASE)

    def labels(self, text: str) -> bool:
        """Whether a line is one of a colophon's: 地址:…, 责任编辑:…, or just a web address."""
        if len(text) > _LONGEST:
            return False
        bare = plain(text)
        return self._labelled.match(bare) is not None or _CONTACT.fullmatch(bare) is not None

    def start(self, lines: Sequence[Line], first: int) -> int:
        """The index at or after `first` where the colophon begins; the number of lines without one.

        The publisher's name and a rule above the first labelled line belong to it.
        """
        labelled = next((index for index in range(first, len(lines)) if self.labels(lines[index].text)), None)
        if labelled is None:
            return len(lines)
        start = labelled
        while start > first and labelled - start < 4 and (lines[start - 1].rule or not is_prose(lines[start - 1].text)):
            start -= 1
        return start
