"""The menus of /browse: province → parks, group → topics, bulletin → columns. A menu is one message that is edited."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch.bot.codes import code, tag_of
from dispatch.bot.desk import Desk
from dispatch.bot.following import is_followed, tick
from dispatch.bot.paging import button, in_rows, keyboard, page_of, pager
from dispatch.catalog.values import TopicGroup

Menu = tuple[str, InlineKeyboardMarkup]
_LENGTH = 10  # entries of a page: most stand two in a row

ROOT, PROVINCES, PROVINCE, GROUP, COLUMNS = "r", "p", "v", "g", "c"


class Browse(CallbackData, prefix="br"):
    """A press: show the page of a view, of a province, group or bulletin; with a `tag` (its code), first follow it, or
    drop it, as `on` says. Packed, it has at most 50 bytes."""

    view: str
    of: str = ""
    page: int = 0
    tag: str = ""
    on: bool = False


def menu(desk: Desk, asked: Browse) -> Menu | None:
    """What a press shows; None for something that is in the catalog no more."""
    if asked.view == ROOT:
        return root(desk)
    if asked.view == PROVINCES:
        return _provinces(desk, asked.page)
    if asked.view == GROUP:
        group = next((group for group in desk.catalog.groups if _group_code(group) == asked.of), None)
        return _group(desk, group, asked) if group is not None else None
    tag = tag_of(desk.catalog, asked.of) or ""
    if asked.view == PROVINCE and tag.startswith("province:"):
        return _province(desk, tag, asked)
    if asked.view == COLUMNS and tag.startswith("bulletin:"):
        return _columns(desk, tag, asked)
    return None


def root(desk: Desk) -> Menu:
    """Where browsing begins."""
    return desk.say("<b>浏览可以关注的内容</b>") + "\n" + _hint(desk), root_keyboard(desk)


def root_keyboard(desk: Desk) -> InlineKeyboardMarkup:
    """The first choice: parks, topics by group, columns, or all."""
    rows = [[button(desk.say.plain("🏙 高新区（按省份）"), Browse(view=PROVINCES).pack())]]
    rows += in_rows([
        button(desk.say.plain("🏷 主题：{group}", group=_group_name(desk, group)),
               Browse(view=GROUP, of=_group_code(group)).pack())
        for group in _groups(desk)
    ])  # fmt: skip
    for found in desk.catalog.offered:
        name = found.name_en if desk.say.language == "en" and found.name_en else found.name
        words = desk.say.plain("📖 栏目：{bulletin}", bulletin=name)
        rows.append([button(words, Browse(view=COLUMNS, of=code(f"bulletin:{found.key}")).pack())])
    rows.append([_toggle(desk, set(desk.follows), Browse(view=ROOT), "all", desk.label("all"))])
    return keyboard(rows)


def _provinces(desk: Desk, page: int) -> Menu:
    shown, page, pages = page_of(_province_tags(desk), page, _LENGTH)
    follows = set(desk.follows)
    buttons = [button(_province_words(desk, follows, tag), Browse(view=PROVINCE, of=code(tag)).pack()) for tag in shown]
    rows = [*in_rows(buttons), pager(page, pages, lambda to: Browse(view=PROVINCES, page=to).pack()), [_home(desk)]]
    return desk.say("<b>按省份选高新区</b>") + "\n" + desk.say("括号里是已关注的高新区数。"), keyboard(rows)


def _province_words(desk: Desk, follows: Collection[str], tag: str) -> str:
    """江西 (2): how many of its parks are followed one by one; all of them are ticked."""
    province = tag.partition(":")[2]
    count = sum(is_followed(follows, park) for park in _parks(desk, province))
    name = desk.catalog.province_name(province, desk.say.language)
    return tick(desk.catalog, follows, tag) + name + (f" ({count})" if count else "")


def _province(desk: Desk, tag: str, asked: Browse) -> Menu:
    province = tag.partition(":")[2]
    parks = _parks(desk, province)
    back = Browse(view=PROVINCES, page=_province_tags(desk).index(tag) // _LENGTH)
    labels = [(park, desk.label(park)) for park in parks]
    name = desk.catalog.province_name(province, "en") if desk.say.language == "en" else province
    words = desk.say("<b>{province}</b>：{count} 家国家高新区", province=name, count=len(parks))
    return words + "\n" + _hint(desk), _choices(desk, asked, (tag, desk.label(tag)), labels, back)


def _group(desk: Desk, group: TopicGroup, asked: Browse) -> Menu:
    tags = [f"topic:{topic.key}" for topic in desk.catalog.topics if topic.group == group.key]
    words = desk.say("<b>主题：{group}</b>", group=_group_name(desk, group))
    labels = [(tag, desk.label(tag)) for tag in tags]
    return words + "\n" + _hint(desk), _choices(desk, asked, None, labels, Browse(view=ROOT))


def _columns(desk: Desk, tag: str, asked: Browse) -> Menu | None:
    found = desk.catalog.bulletin(tag.partition(":")[2])
    if found is None:
        return None
    english = desk.say.language == "en"
    labels = [
        (f"column:{found.key}/{spec.key}", (spec.name_en if english else "") or spec.name) for spec in found.columns
    ]
    name = found.name_en if english and found.name_en else found.name
    words = desk.say("<b>栏目：{bulletin}</b>", bulletin=name)
    return words + "\n" + _hint(desk), _choices(desk, asked, (tag, desk.label(tag)), labels, Browse(view=ROOT))


def _choices(
    desk: Desk, asked: Browse, whole: tuple[str, str] | None, labels: Sequence[tuple[str, str]], back: Browse
) -> InlineKeyboardMarkup:
    """A page of things to tick, below that which stands for all of them."""
    shown, page, pages = page_of(labels, asked.page, _LENGTH)
    here = Browse(view=asked.view, of=asked.of, page=page)
    follows = set(desk.follows)
    first = [_toggle(desk, follows, here, *whole)] if whole is not None else []
    rows = [first, *in_rows([_toggle(desk, follows, here, tag, label) for tag, label in shown])]
    rows.append(pager(page, pages, lambda to: here.model_copy(update={"page": to}).pack()))
    backwards = [] if back.view == ROOT else [button(desk.say.plain("‹ 返回省份"), back.pack())]
    return keyboard([*rows, [*backwards, _home(desk)]])


def _toggle(desk: Desk, follows: Collection[str], here: Browse, tag: str, label: str) -> InlineKeyboardButton:
    wanted = not is_followed(follows, tag)
    data = here.model_copy(update={"tag": code(tag), "on": wanted}).pack()
    return button(tick(desk.catalog, follows, tag) + label, data)


def _home(desk: Desk) -> InlineKeyboardButton:
    return button(desk.say.plain("« 首页"), Browse(view=ROOT).pack())


def _hint(desk: Desk) -> str:
    return desk.say("点按名称即可关注，再点一次取消关注。✅ 已关注，☑️ 已包含在更大的关注里。")


def _province_tags(desk: Desk) -> list[str]:
    return list(dict.fromkeys(f"province:{park.province}" for park in desk.catalog.parks))


def _parks(desk: Desk, province: str) -> list[str]:
    return [f"park:{park.name}" for park in desk.catalog.parks if park.province == province]


def _groups(desk: Desk) -> list[TopicGroup]:
    """Those that have topics."""
    used = {topic.group for topic in desk.catalog.topics}
    return [group for group in desk.catalog.groups if group.key in used]


def _group_code(group: TopicGroup) -> str:
    return code(f"group:{group.key}")


def _group_name(desk: Desk, group: TopicGroup) -> str:
    return group.name_en if desk.say.language == "en" else group.name
