"""Credits: who an article comes from, at its end or under its title."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.intake.folding import ends_sentence, plain
from dispatch.intake.patterns import compiled

_WORDS = (
    "供稿",
    "来源",
    "作者",
    "撰稿",
    "撰文",
    "执笔",
    "文",
    "摘自",
    "转自",
    "稿件来源",
    "信息来源",
    "文章来源",
    "记者",
    "通讯员",
    "本刊记者",
    "本报记者",
    "图文",
)
_ENGLISH = r"(?i:Sources?|Authors?|Text|Words|Contributors?|Reporters?|(?:Contributed|Reported|Written|Submitted)\s+by)"
_LONGEST = 120
_OPENING = {")": "(", "）": "（", "]": "[", "］": "［", "】": "【"}
_OPENERS = "(（[［【"
_CLOSERS = ")）]］】"
_DASHES = "—-─– "
_ORGANISATION = re.compile(
    r"(?:中心|委员会|管委会|工委|区|局|厅|部|处|司|办公室|政府|协会|学会|联合会|研究院|研究所|大学|学院|公司|集团|"
    r"报社|日报|社|院|办|馆|网|所|站)(?:$|[ \u3000、,，])"
)
_NAMES = re.compile(r"[\u4e00-\u9fff·]{2,5}(?:[ \u3000、,，]+[\u4e00-\u9fff·]{2,5}){0,5}")
# 文/张三, 图文｜李四: what stands behind such a sign is a credit where it is names or an organisation.
_SIGNED = re.compile(r"(?:图\s*[、/／]\s*文|图文|撰文|撰稿|供稿|来源|作者|文)\s*[/／|｜丨]\s*(?P<rest>\S.{1,40})")
_REPORTERS = re.compile(
    r"(?:本[刊报社网]|特约|实习|首席)?(?:记者|通讯员)[ \u3000]+"
    r"(?P<rest>[\u4e00-\u9fff·]{2,4}(?:[ \u3000、,，]+(?:通讯员|记者)?[\u4e00-\u9fff·]{2,4}){0,6})"
)
_BYLINE = re.compile(r"(?:By|BY)[ \u3000]+(?P<rest>[A-Z][\w.'’-]*(?:,?[ \u3000]+(?:and[ ]|&[ ])?[A-Z][\w.'’-]*){1,7})")
_NO_CREDIT = re.compile(
    r"[(（]?(?:完|未完待续|待续|续完|全文完|下转.*|上接.*|[图表]\d*.*|.*(?:版|稿|试行|暂行|节选|摘要|略))[)）]?"
)


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit found at the end of a text: `text` without its word and brackets, `head` what stands before it.

    `sure` says that a word such as 供稿 names it as one; else it is a bracket that looks like a signature.
    """

    text: str
    head: str
    sure: bool

    @property
    def alone(self) -> bool:
        return not self.head


class Credits:
    """Finds credits by their words, by the organisations that sign without one, and by whole lines with {credit}."""

    def __init__(
        self, words: Iterable[str] = (), organisations: Iterable[str] = (), patterns: Iterable[str] = ()
    ) -> None:
        known = sorted({*_WORDS, *words}, key=lambda word: (-len(word), word))
        self._word = "|".join([*map(re.escape, known), _ENGLISH])
        self._lines = tuple(compiled(text, {"credit": r"\S.*?"}) for text in patterns)
        self._organisations = tuple(map(plain, organisations))
        self._named = re.compile(rf"(?:{self._word})(?:单位|人|者|部门)?\s*[:：]\s*(?P<rest>\S.*)", re.DOTALL)
        self._bracketed = re.compile(
            rf"(?:{self._word})(?:单位|人|者|部门)?\s*(?:[:：]|(?<=[自])|[ \u3000])\s*(?P<rest>\S.*)",
            re.DOTALL,
        )
        tail = "|".join(re.escape(word) for word in known if len(word) > 1 and word not in ("作者", "来源"))
        self._trailing = re.compile(rf"(?P<rest>[^。:：]{{2,60}}?)\s*(?:{tail})")
        self._inline = re.compile(rf"[。！？!?…][”’」』）)\"']*\s*(?=(?:{self._word})(?:单位|人|者|部门)?\s*[:：])")

    def find(self, text: str) -> Credit | None:
        """The credit that a line is, or ends with after a finished sentence."""
        return self._whole(text) or self._in_brackets(text) or self._bare(text)

    def _whole(self, text: str) -> Credit | None:
        """A line that is a credit by its whole form."""
        if len(text) > _LONGEST:
            return None
        bare = text.strip(_DASHES + "\u3000")
        for pattern in self._lines:
            if found := pattern.fullmatch(text.strip()):
                return Credit(found["credit"].strip(), "", sure=True)
        if (found := _SIGNED.fullmatch(bare)) and _are_signers(found["rest"]):
            return Credit(found["rest"].strip(), "", sure=True)
        found = _REPORTERS.fullmatch(bare) or _BYLINE.fullmatch(bare)
        return Credit(found["rest"].strip(), "", sure=True) if found else None

    def _in_brackets(self, text: str) -> Credit | None:
        start = _last_bracket(text)
        if start is None:
            return None
        inner, head = text[start + 1 :].rstrip()[:-1].strip(), text[:start].rstrip(_DASHES + "\u3000")
        if named := self._inner(inner):
            return Credit(named, head, sure=True) if not head or _stands_free(head, text, start) else None
        if text[start] in "(（" and (not head or ends_sentence(head)) and self._signs(inner):
            return Credit(inner, head, sure=False)
        return None

    def _inner(self, inner: str) -> str:
        if found := self._bracketed.fullmatch(inner) or _BYLINE.fullmatch(inner):
            return found["rest"].strip()
        if (found := _SIGNED.fullmatch(inner)) and _are_signers(found["rest"]):
            return found["rest"].strip()
        found = self._trailing.fullmatch(inner)
        return found["rest"].strip() if found else ""

    def _signs(self, inner: str) -> bool:
        if not inner or len(inner) > 60 or ends_sentence(inner) or _NO_CREDIT.fullmatch(inner):
            return False
        if plain(inner).startswith(self._organisations) and self._organisations:
            return True
        return _ORGANISATION.search(inner) is not None or _NAMES.fullmatch(inner) is not None

    def _bare(self, text: str) -> Credit | None:
        if len(text) <= _LONGEST:
            stripped = text.lstrip(_DASHES)
            if (found := self._named.fullmatch(stripped)) and not ends_sentence(found["rest"]):
                return Credit(found["rest"].strip(), "", sure=True)
        return self._after_sentence(text)

    def _after_sentence(self, text: str) -> Credit | None:
        start = max(0, len(text) - _LONGEST)
        matches = list(self._inline.finditer(text, start))
        if not matches:
            return None
        found = matches[-1]
        named = self._named.fullmatch(text[found.end() :])
        if named is None or ends_sentence(named["rest"]):
            return None
        return Credit(named["rest"].strip(), text[: found.end()].rstrip(), sure=True)


def _are_signers(text: str) -> bool:
    """Whether a text is but names and organisations."""
    words = re.split(r"[\s/／、|｜]+", text.strip())
    return all(len(word) <= 5 or _ORGANISATION.search(word) for word in words) and not re.search("[,，。;；]", text)


def _stands_free(head: str, text: str, start: int) -> bool:
    """A named credit inside a line follows a finished sentence or a blank."""
    return ends_sentence(head) or text[start - 1] in " \u3000"


def _last_bracket(text: str) -> int | None:
    """Where the bracket opens that closes at the end of the text, or None."""
    bare = text.rstrip()
    if bare[-1:] not in _OPENING:
        return None
    depth = 0
    for index in range(len(bare) - 1, max(-1, len(bare) - _LONGEST - 1), -1):
        if bare[index] in _CLOSERS:
            depth += 1
        elif bare[index] in _OPENERS:
            depth -= 1
            if depth == 0:
                return index
    return None
