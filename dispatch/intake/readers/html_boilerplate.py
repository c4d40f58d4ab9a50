"""What a site puts around its pages, left out: navigation, side lists, share bars, imprints.

Leaving too much is mended by the splitter, which knows what an issue looks like; leaving out a word of the issue is
not. So whatever holds running text, an issue's number or a credit stays, and so does a list of links whose words stand
in the page's text again: that is the contents list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dispatch.intake.folding import fold
from dispatch.intake.readers.html_source import tags
from dispatch.intake.readers.html_tree import Node

_HEAD = 60  # characters of the head of a text
_MUCH = 200  # characters of running text that no navigation has
_LONG = 25  # characters of a text that is surely running text
_MOST_OF_IT = 0.6  # of a page's running text: what has that much is the way to the content
_DENSE = 0.6  # of a text stands in links
_LEAST_REPEATED = 0.3  # of a contents list's entries stand in the text word for word

_FURNITURE = frozenset({"nav", "aside", "menu"})
_EDGES = frozenset({"header", "footer"})
_ROLES = tags("navigation banner contentinfo search complementary menu menubar toolbar dialog alert")
_CONTENT = ("article", "main")
_NAMED = re.compile(
    r"(?:^|[\s_-])(?:bread-?crumbs?|crumbs?|crumb-?nav|location|position|share|bd-?share|sns|social|qr-?code|"
    r"erweima|ewm|pager|pagination|paging|copy-?right|foot(?:er)?|bottom|nav(?:igation|bar)?|top-?nav|menu|"
    r"side-?(?:bar|nav)?|related?|relevant|recommend(?:ed)?|xgxw|xgwz|xgyd|hot(?:news)?|prev-?next|pre-?next|"
    r"prev|next|comments?|tool-?bar|login|register|search|top-?bar|friend-?links?|yqlj|adv?|advert(?:isement)?|banner|"
    r"skip|totop|back-?top|go-?top|print|font-?size)(?:$|[\s_-])"
)
_SAYS_ISSUE = re.compile(
    r"第\s*[\d〇零一二三四五六七八九十百]{1,5}\s*期|总\s*第?\s*\d|\bNo\s*\.\s*\d|[(（](?:供稿|来源|作者|撰稿)",
    re.IGNORECASE,
)
_MEDIA_LINE = (
    r"(?:您|你)?(?:现在|当前)?(?:的)?(?:位置|所在位置|当前位置)(?:是)?\s*[:：].*",
    r"(?:上|下)一(?:篇|条|页|则|章|期)(?:\s*[:：].*)?(?:下一(?:篇|条|页|则)\s*[:：].*)?",
    r"(?:[【\[(（]?\s*(?:打印(?:本页|此页|页面|文章)?|关闭(?:窗口|本页|页面)?|返回(?:顶部|首页|列表|上一页)?|收藏(?:本页)?|"
    r"加入收藏|设为首页|分享(?:到|至)?|推荐给朋友|纠错|转发|评论|TOP)\s*[】\])）]?[\s|:：丨·/]*)+",
    r"(?:字体|字号)\s*[:：]?\s*[【\[(（]?\s*[大中小特默认加减号+\-AaTt\s|]*[】\])）]?",
    r"分享(?:到|至)\s*[:：]?.{0,60}",
    r"(?:浏览|点击|访问|阅读|查看)(?:次数|数|量|人数)?\s*[:：]?\s*\d*\s*次?",
    r".{0,60}(?:ICP备|ICP证|公网安备|网安备)\s*\d*.{0,60}",
    r".{0,10}(?:网站标识码|政府网站标识码)\s*[:：].{0,60}",
    r"(?:版权所有|Copyright|©|\(c\)\s*\d{4}|Copyright\s*©).{0,100}",
    r".{0,40}(?:版权所有|All Rights Reserved)[^。]{0,60}",
    r"技术支持\s*[:：].{0,60}",
    r"(?:扫一扫|扫描(?:下方)?二维码).{0,40}",
    r"(?:网站地图|联系我们|关于我们|网站声明|隐私(?:政策|声明)|友情链接|首页)(?:\s*[|丨·]\s*.{1,20})*",
)
_LINE = re.compile("|".join(_MEDIA_LINE), re.IGNORECASE)
_LONGEST_LINE = 160
_RELATED = re.compile(
    r"[【\[]?\s*(?:相关(?:新闻|阅读|链接|文章|信息|报道|稿件|文档)|延伸阅读|推荐阅读|热点(?:新闻|推荐)|猜你喜欢)\s*[】\]]?\s*[:：]?"
)


def is_site_line(text: str) -> bool:
    """Whether a line of a page is the site's own: where one is, previous and next page, rights, counters."""
    return len(text) <= _LONGEST_LINE and _LINE.fullmatch(text) is not None


def without_boilerplate(root: Node) -> Node:
    """The tree without what the site puts around its content."""
    page = _Page(root)
    page.drop_hidden()
    page.drop_named()
    page.drop_related()
    page.drop_beside_content()
    page.rebuild()
    return root


class _Page:
    """One page under the knife. `_dropped` are taken out of the tree in the end, all at once."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._dropped: set[Node] = set()
        self._linked: set[Node] = set()
        self._measured: dict[Node, _Measure] = {}
        self._measure()

    def _measure(self) -> None:
        order = list(self._root.walk())
        self._measured = {node: _Measure() for node in order}
        for node in order:
            if (node.tag == "a" and node.get("href")) or node.parent in self._linked:
                self._linked.add(node)
        for node in reversed(order):
            own = self._measured[node]
            own.add_texts(node, in_link=node in self._linked)
            own.head = next(filter(None, (self._head(part) for part in node.parts)), "")
            if node.parent is not None:
                self._measured[node.parent].add(own)

    def _head(self, part: Node | str) -> str:
        return part.strip()[:_HEAD] if isinstance(part, str) else self._measured[part].head

    def drop_hidden(self) -> None:
        """What is not shown goes, but for the panels of a page that shows one at a time."""
        whole = self._measured[self._root].prose
        for node in self._live():
            if _is_hidden(node) and (self._measured[node].prose * 10 <= whole or not whole):
                self._drop(node)

    def drop_named(self) -> None:
        for node in self._live():
            if _is_called_boilerplate(node) and not self._is_content(node):
                self._drop(node)

    def drop_related(self) -> None:
        """A list of links under the words that announce one."""
        for node in self._live():
            above = ""
            for part in node.parts:
                if isinstance(part, Node) and part not in self._dropped:
                    announced = _RELATED.fullmatch(above) is not None or _RELATED.match(self._measured[part].head)
                    if announced and self._is_short_list(part):
                        self._drop(part)
                above = self._head(part) or above

    def drop_beside_content(self) -> None:
        """What stands beside the way down to most of the running text, where it is links for the most part."""
        repeated: frozenset[str] | None = None
        node = self._root
        while (following := self._way_down(node)) is not None:
            for child in node.children:
                if child is following or child in self._dropped or not self._is_link_list(child):
                    continue
                repeated = repeated if repeated is not None else self._unlinked_lines()
                if not (self._is_contents_list(child, repeated) or self._leads_within_page(child)):
                    self._drop(child)
            node = following

    def rebuild(self) -> None:
        """Take out of the tree what was dropped."""
        for parent in {node.parent for node in self._dropped if node.parent is not None}:
            parent.parts = [part for part in parent.parts if isinstance(part, str) or part not in self._dropped]

    def _way_down(self, node: Node) -> Node | None:
        least = self._measured[node].prose * _MOST_OF_IT
        return next((child for child in node.children if least and self._measured[child].prose >= least), None)

    def _is_short_list(self, node: Node) -> bool:
        own = self._measured[node]
        return own.links >= 1 and own.prose == 0 and node.tag not in {"html", "body", "a"}

    def _is_link_list(self, node: Node) -> bool:
        own = self._measured[node]
        return own.links >= 3 and own.prose == 0 and own.linked >= own.letters * _DENSE

    def _is_contents_list(self, node: Node, lines: frozenset[str]) -> bool:
        texts = [fold(link.text()) for link in node.walk() if link.tag == "a"]
        texts = [text for text in texts if len(text) >= 4]
        return bool(texts) and sum(text in lines for text in texts) >= _LEAST_REPEATED * len(texts)

    def _unlinked_lines(self) -> frozenset[str]:
        """What stands in the page outside of links, each element's text folded."""
        plain = (node for node in self._root.walk() if node not in self._linked and not self._measured[node].links)
        return frozenset(fold(node.text(limit=_LONGEST_LINE)) for node in plain)

    def _is_content(self, node: Node) -> bool:
        """Whether what is called boilerplate is part of the issue nevertheless."""
        own, whole = self._measured[node], self._measured[self._root]
        if node.tag in _EDGES and node.within(*_CONTENT):
            return True
        if own.prose * 3 >= whole.prose > 0:
            return True  # an element that was never closed has the page in it
        if own.prose and (own.prose >= own.linked or own.prose >= _MUCH):
            return node.tag != "footer" and (node.tag not in _FURNITURE or own.prose >= _MUCH)
        if not own.links and own.letters and _is_head(node):
            return True
        return _SAYS_ISSUE.search(node.text(limit=2000)) is not None or self._leads_within_page(node)

    def _leads_within_page(self, node: Node) -> bool:
        """Whether all links lead to places of this page: then it is its contents list."""
        own = self._measured[node]
        return own.links >= 2 and own.inner == own.links

    def _live(self) -> Iterator[Node]:
        """The elements that stay so far, an element before those in it."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if node not in self._dropped:
                yield node
            if node not in self._dropped:
                waiting.extend(reversed([*node.children]))

    def _drop(self, node: Node) -> None:
        if node is self._root:
            return
        self._dropped.add(node)
        above = node.parent
        while above is not None:
            self._measured[above].take(self._measured[node])
            above = above.parent


class _Measure:
    """How many characters an element has (`letters`), how many in links, and how many in long texts outside of them;
    its links, and those of them that lead within the page; the `head` of its text."""

    __slots__ = ("head", "inner", "letters", "linked", "links", "prose")

    def __init__(self) -> None:
        self.letters = self.linked = self.links = self.inner = self.prose = 0
        self.head = ""

    def add_texts(self, node: Node, *, in_link: bool) -> None:
        href = node.get("href") if node.tag == "a" else ""
        self.links += bool(href)
        self.inner += len(href) > 1 and href.startswith("#")
        own = [len(part.strip()) for part in node.parts if isinstance(part, str)]
        self.letters += sum(own)
        if in_link:
            self.linked += sum(own)
        else:
            self.prose += sum(size for size in own if size >= _LONG)

    def add(self, other: _Measure) -> None:
        self._change(other, 1)

    def take(self, other: _Measure) -> None:
        self._change(other, -1)

    def _change(self, other: _Measure, sign: int) -> None:
        self.letters += sign * other.letters
        self.linked += sign * other.linked
        self.links += sign * other.links
        self.inner += sign * other.inner
        self.prose += sign * other.prose


def _is_hidden(node: Node) -> bool:
    if "hidden" in node.attributes or node.get("aria-hidden") == "true":
        return True
    if "style" not in node.attributes:
        return False
    style = node.style()
    return style.get("display", "").startswith("none") or style.get("visibility", "").startswith("hidden")


def _is_called_boilerplate(node: Node) -> bool:
    if node.tag in {"html", "body", "a"}:
        return False
    role = node.get("role").lower()
    if node.tag in _FURNITURE or node.tag in _EDGES or role in _ROLES:
        return not role.startswith("doc-")
    names = node.words()
    return len(names) > 1 and _NAMED.search(names) is not None


def _is_head(node: Node) -> bool:
    """Whether an element is called the head of the page, rather than its foot."""
    return node.tag == "header" or node.get("role").lower() == "banner" or "banner" in node.words()
