"""Following and dropping, and saying what has come of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dispatch.bot.desk import MOST_FOLLOWS, Desk, TooMany
from dispatch.bot.halted import halted
from dispatch.bot.voice import Html, text
from dispatch.catalog import Catalog
from dispatch.catalog.carried import MENTIONS
from dispatch.digests.words import clip

_MOST_NAMES = 20  # in one sentence
_LONGEST_WORD = 40  # characters of what somebody wrote that are said back
TOO_MANY = text("最多可以关注 {most} 项。请先用 /following 取消关注一些，或改为关注整个省份、整个期刊或全部内容。")
OUTDATED = text("这个按钮已经失效，请重新发送命令。")
_TICK, _COVERED = "✅ ", "☑️ "


def names(desk: Desk, tags: Sequence[str]) -> Html:
    """The names of tags, in bold; of many the first."""
    found = [desk.say("<b>{name}</b>", name=desk.label(tag)) for tag in tags[:_MOST_NAMES]]
    return Html(desk.say.plain("、").join(found) + ("…" if len(tags) > _MOST_NAMES else ""))


def quoted(word: str) -> str:
    """A word of somebody's, to be said back: one short line without what has no shape or turns text around."""
    return clip("".join(letter for letter in " ".join(word.split()) if letter.isprintable()), _LONGEST_WORD)


def follow(desk: Desk, tags: Sequence[str]) -> list[str]:
    """Follow; what of it is new. A park that is followed with its mentions is so no more without. Raises TooMany, and
    then has changed nothing."""
    now = set(desk.follows)
    weaker = {tag.removesuffix(MENTIONS) for tag in tags if tag.endswith(MENTIONS)}
    wanted = [tag for tag in tags if tag not in weaker and tag + MENTIONS not in now]
    if len((now | set(wanted)) - weaker) > MOST_FOLLOWS:
        raise TooMany
    desk.unfollow(sorted(weaker & now))
    return desk.follow(wanted) if wanted else []


def follow_and_tell(desk: Desk, tags: Sequence[str]) -> str:
    """Follow, and say what has come of it."""
    try:
        return followed_text(desk, tags, follow(desk, tags))
    except TooMany:
        return desk.say(TOO_MANY, most=MOST_FOLLOWS)


def unfollow(desk: Desk, tags: Sequence[str]) -> list[str]:
    """Drop what is followed of these, a park in either form; what that was."""
    return desk.unfollow(form for tag in dict.fromkeys(tags) for form in both_forms(tag))


def followed_text(desk: Desk, tags: Sequence[str], new: Sequence[str]) -> str:
    """What following these has changed."""
    if not new:
        told = desk.say("已经在关注：{names}。", names=names(desk, tags))
        return f"{told}\n{halt}" if (halt := halted(desk)) else told
    told = desk.say("已关注：{names}。", names=names(desk, new))
    if halt := halted(desk):
        return f"{told}\n{halt}"
    return told + desk.say("新一期发布后会推送到这里，/latest 看最新一期。")


def dropped_text(desk: Desk, gone: Sequence[str]) -> str:
    """What was dropped."""
    told = desk.say("已取消关注：{names}。", names=names(desk, gone))
    left = len(desk.follows)
    if left:
        return told + desk.say("仍在关注 {count} 项，见 /following。", count=left)
    return told + desk.say("现在没有关注任何内容，不会再推送。用 /follow 可以重新关注。")


def both_forms(tag: str) -> tuple[str, ...]:
    """A park alone and with its mentions, whichever is given; any other tag itself."""
    park = tag.removesuffix(MENTIONS)
    return (park, park + MENTIONS) if park.startswith("park:") else (tag,)


def is_followed(follows: Collection[str], tag: str) -> bool:
    """Whether a tag is followed itself, a park in either form."""
    return any(form in follows for form in both_forms(tag))


def tick(catalog: Catalog, follows: Collection[str], tag: str) -> str:
    """The mark of what is followed itself, or by something that has all of it; else nothing."""
    if is_followed(follows, tag):
        return _TICK
    return _COVERED if any(wider in follows for wider in _wider(catalog, tag)) else ""


def _wider(catalog: Catalog, tag: str) -> tuple[str, ...]:
    kind, _, word = tag.partition(":")
    park = catalog.park(word) if kind == "park" else None
    if park is not None:
        return (f"province:{park.province}", "all")
    if kind == "column":
        return (f"bulletin:{word.partition('/')[0]}", "all")
    return () if tag == "all" else ("all",)
