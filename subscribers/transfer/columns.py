"""The columns of a table of subscribers, and which of a stranger's columns is which."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from subscribers.errors import BadFile, InvalidValue

CHANNELS = ("email", "telegram", "webhook")
COLUMNS = (
    *("name", *CHANNELS, "follows", "language", "cadence", "weekday", "at", "timezone", "quiet", "bundle", "format"),
    *("state", "reason", "paused_until", "consent", "consented_at", "created_at", "person", "words"),
)
SECRET = "secret"  # noqa: S105 - a column's name
PROBLEM = "problem"  # what a file of bad rows says about each; nothing on the way in
_KNOWN = (*COLUMNS, SECRET, PROBLEM)
_OTHER_WORDS = {
    "name": "姓名 名字 名称 称呼 联系人 订阅人 fullname contact displayname",
    "email": "邮箱 邮件 电邮 电子邮箱 电子邮件 邮箱地址 邮件地址 电子邮件地址 mail emailaddress mailaddress emails",
    "telegram": "电报 电报号 telegramid chat chatid tg telegramchat",
    "webhook": "网址 回调 回调地址 webhookurl url",
    "follows": "关注 订阅 关注内容 订阅内容 关注项 follow following subscriptions",
    "words": "关键词 过滤词 关键字 keywords filter filters",
    "language": "语言 lang",
    "cadence": "频率 周期 frequency",
    "weekday": "星期 周几 dayofweek",
    "at": "时间 时刻 hour time",
    "timezone": "时区 tz",
    "quiet": "免打扰 静默时段 免打扰时段 quiethours",
    "bundle": "合并 合并发送 bundled",
    "format": "格式",
    "state": "状态 status",
    "reason": "原因",
    "paused_until": "暂停至 暂停到",
    "consent": "同意 同意依据 授权依据 basis consentbasis",
    "consented_at": "同意时间 授权时间 consenttime consentdate",
    "created_at": "创建时间 注册时间 添加时间 created createdon",
    "person": "人员 人员编号",
    SECRET: "密钥 签名密钥 signingsecret",
    PROBLEM: "问题",
}
_BETWEEN = re.compile(r"[\s_\-.:：/()]+")


def _folded(title: str) -> str:
    """A title as it is compared: `E-Mail Address` and `email_address` are one."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", title).replace("\ufeff", "").casefold())


_BY_WORD = {_folded(word): name for name in _KNOWN for word in (name, *_OTHER_WORDS.get(name, "").split())}


@dataclass(frozen=True)
class Columns:
    """How the titles of a file are read. `mapped` says it for some of them (None: the column is left out), by their
    title as it stands or as it is compared; with `ignore_unknown` columns of other things are left out too."""

    mapped: Mapping[str, str | None] = field(default_factory=dict)
    ignore_unknown: bool = False

    @classmethod
    def of(cls, words: Sequence[str], *, ignore_unknown: bool = False) -> Columns:
        """From words like `Their column=email`, and `X=` for a column to leave out. Raises InvalidValue."""
        return cls(dict(map(_read_mapping, words)), ignore_unknown)

    def read(self, titles: Sequence[str], *, first: bool = True) -> list[str]:
        """Our name of each column, "" for those that are left out. Objects of JSON can have other titles than the
        `first`, and fewer. Raises BadFile."""
        if first:
            self._refuse_absent(titles)
        names = [self._name(title) for title in titles]
        unknown = [title.strip() for title, name in zip(titles, names, strict=True) if name is None]
        if unknown and not self.ignore_unknown:
            raise BadFile(_unknown(unknown))
        found = ["" if name in (None, PROBLEM) else name or "" for name in names]
        _refuse_twice(titles, found)
        if first and not set(found) & set(CHANNELS):
            raise BadFile(f"no column of addresses; at least one of {', '.join(CHANNELS)} is needed")
        return found

    def _name(self, title: str) -> str | None:
        folded = _folded(title)
        for given, name in self.mapped.items():
            if given == title.strip() or _folded(given) == folded:
                return name or ""
        return _BY_WORD.get(folded) if folded else ""

    def _refuse_absent(self, titles: Sequence[str]) -> None:
        present = {_folded(title) for title in titles}
        absent = [title for title in self.mapped if _folded(title) not in present]
        if absent:
            there = ", ".join(title.strip() for title in titles if title.strip())
            raise BadFile(f"--map names a column {absent[0]!r} that is not there; there are: {there}")


def _read_mapping(word: str) -> tuple[str, str | None]:
    title, equals, name = word.rpartition("=")
    target = name.strip()
    if not equals or not title.strip():
        raise InvalidValue(f"--map {word!r}: write it as 'Their column=email', or 'Their column=' to leave it out")
    if target and target not in (*COLUMNS, SECRET):
        raise InvalidValue(f"--map {word!r}: {target!r} is none of our columns: {', '.join((*COLUMNS, SECRET))}")
    return title.strip(), target or None


def _refuse_twice(titles: Sequence[str], names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name and name in names[:place]:
            first, second = titles[names.index(name)].strip(), titles[place].strip()
            both = f"{first!r} and {second!r} are both" if first != second else f"{first!r} twice is"
            raise BadFile(f"the column {name!r} is named twice ({both} {name}): leave one out with --map '{second}='")


def _unknown(titles: Sequence[str]) -> str:
    if any("@" in title for title in titles):
        return (
            f"unknown column {titles[0]!r}: the first line must name the columns, and this one seems to be a row"
            f" already; put a line before it, such as {','.join(COLUMNS[:2])}"
        )
    shown = ", ".join(repr(title) for title in titles[:10]) + (", …" if len(titles) > 10 else "")
    near = difflib.get_close_matches(_folded(titles[0]), list(_BY_WORD), n=1)
    meant = f" (did you mean {_BY_WORD[near[0]]}?)" if near else ""
    return (
        f"unknown column{'s' if len(titles) > 1 else ''} {shown}{meant}; allowed: {', '.join(COLUMNS)};"
        f" to say what a column is: --map '{titles[0]}=email', to leave it out: --map '{titles[0]}=',"
        " to leave out all that are unknown: --ignore-unknown"
    )
