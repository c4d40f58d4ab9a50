"""The catalog: finds parks, topics and columns by the words people use, and speaks of stored tags."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from dispatch.catalog import english
from dispatch.catalog.carried import MENTIONS, column_spec, column_words, tags_of
from dispatch.catalog.rules import rules_digest
from dispatch.catalog.suggest import KINDS, Suggester, Suggestion
from dispatch.catalog.values import Bulletin, ColumnSpec, OtherZone, Park, Topic, TopicGroup
from dispatch.catalog.words import alike, city_shorts, fold_word, holding, province_short, written_forms
from dispatch.errors import UsageError
from dispatch.model import Article

FORMS = ("park:NAME", f"park:NAME{MENTIONS}", "province:NAME", "topic:NAME", "column:NAME", "bulletin:KEY", "all")

# What `all` is called here, and what people call it.
_ALL = frozenset({"all", "everything", "全部内容", "全部", "所有", "所有内容"})
_KINDS = ("park", "province", "topic", "column", "bulletin")  # as a word without its kind is looked up


@dataclass(frozen=True)
class Catalog:
    """Parks, topics and bulletins in the order of their files."""

    parks: tuple[Park, ...]
    topics: tuple[Topic, ...]
    bulletins: tuple[Bulletin, ...]
    groups: tuple[TopicGroup, ...] = ()
    zones: tuple[OtherZone, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that the tags of an article depend on: the same as long as no park, topic, column, other zone
        and none of the tagger's rules changes. What describes them to people may, and articles are in Chinese."""
        parks = (replace(park, english=()) for park in self.parks)
        topics = (replace(topic, description="", description_en="") for topic in self.topics)
        values: list[object] = [asdict(item) for items in (parks, topics, self.zones) for item in items]
        values.append(rules_digest())
        values += [[bulletin.key, *map(asdict, bulletin.columns)] for bulletin in self.bulletins]
        return hashlib.sha256(json.dumps(values, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def offered(self) -> tuple[Bulletin, ...]:
        """The bulletins that readers are shown."""
        return tuple(bulletin for bulletin in self.bulletins if bulletin.offered)

    def park(self, word: str) -> Park | None:
        """The park of this name, full name, strict alias or another written form of them (南昌国家高新区)."""
        return self._park_words.get(fold_word(word))

    def park_in_english(self, word: str) -> Park | None:
        """The park of this English name, whichever way high-tech zone is written: Nanchang Hi-Tech."""
        return self._park_keys.get(english.key(word))

    def not_yet_national(self, name: str, date: dt.date | None) -> int | None:
        """The year in which a park became national, where `date` is in an earlier one; None where it was national then,
        in the year in which it became so, and where either is not known."""
        park = self.park(name)
        later = park is not None and park.since is not None and date is not None and date.year < park.since
        return park.since if park is not None and later else None

    def province(self, word: str) -> str | None:
        """江西, 江西省 or Jiangxi -> 江西省, where some park lies in it."""
        return self._province_words.get(fold_word(word))

    def province_name(self, province: str, language: str) -> str:
        """A province in the reader's words, without its rank: 江西, Jiangxi."""
        return english.province_name(province) if language == "en" else province_short(province)

    def topic(self, word: str) -> Topic | None:
        """The topic of this key, Chinese or English name or alias."""
        return self._topic_words.get(fold_word(word))

    def bulletin(self, key: str) -> Bulletin | None:
        return next((bulletin for bulletin in self.bulletins if bulletin.key == key), None)

    def column(self, word: str, bulletin: str | None = None) -> tuple[Bulletin, ColumnSpec] | None:
        """The column of this key, name or alias; `huoju/zones` or `bulletin` says whose.

        Raises UsageError where several bulletins have one.
        """
        prefix, slash, rest = word.partition("/")
        if slash and bulletin is None and self.bulletin(prefix.strip()):
            bulletin, word = prefix.strip(), rest
        found = [
            (owner, spec)
            for owner in self.bulletins
            for spec in owner.columns
            if bulletin in (None, owner.key) and fold_word(word) in column_words(spec)
        ]
        if len(found) > 1:
            ways = _listed(f"column:{owner.key}/{spec.key}" for owner, spec in found)
            raise UsageError(f"Several bulletins have a column {word!r}. Write one of: {ways}")
        return found[0] if found else None

    def column_spec(self, bulletin_key: str, column_name: str, contents_name: str = "") -> ColumnSpec:
        """The bulletin's column of this name, else of its name in the contents list, else the likest one.

        A column that the profile does not list gets a spec of its own, with the name for a key.
        """
        bulletin = self.bulletin(bulletin_key)
        return column_spec(bulletin.columns if bulletin else (), column_name, contents_name)

    def find(self, what: str) -> str | None:
        """The stored tag for a follow, written as for `resolve` or without its kind; None where it is none, and where
        several could be meant. It only looks names up and thinks of nothing near, so that strangers may ask it much."""
        kind, word = _parted(what)
        if fold_word(what) in _ALL:
            return "all"
        if word is not None and kind in _KINDS and (tag := self._found(kind, word)):
            return tag
        name = what.strip()
        found = [tag for other in _KINDS if (tag := self._found(other, name))]
        if len(found) < 2:
            return found[0] if found else None
        # What has the name itself is meant before what has it for another name; of two that have it, one is asked for.
        own = [tag for tag in found if fold_word(name) in self._own_words(tag)]
        return found[0] if not own else own[0] if len(own) == 1 else None

    def resolve(self, what: str) -> str:
        """The stored tag for a follow as people write it: `park:南昌国家高新区+mentions`, `topic:区块链`, `all`.

        Raises UsageError, which suggests the nearest names, or lists the prefixes.
        """
        kind, word = _parted(what)
        if fold_word(what) in _ALL:
            return "all"
        if word is None or kind not in _KINDS:
            raise UsageError(f"{what!r} is nothing to follow{self._hint(what)}. Allowed: {_listed(FORMS)}")
        if tag := self._named(kind, word):
            return tag
        name = word.removesuffix(MENTIONS).strip() if kind == "park" else word
        raise self._unknown(kind, name)

    def suggest(self, word: str, limit: int = 10, kinds: Collection[str] = KINDS) -> list[Suggestion]:
        """What somebody may mean who has typed `word`: part of a name or alias, its pinyin or initials, a city or a
        province; the likeliest first. Its own errors are found too: one letter wrong, traditional characters, others of
        the same sound. `kinds` are those wanted, of `park`, `province`, `topic`, `column` and `bulletin`."""
        return self._suggester.find(word, limit, kinds)

    def label(self, tag: str, language: str) -> str:
        """A stored tag in the reader's words (`language` is `zh` or `en`), also where the catalog lost it."""
        chinese = language != "en"
        prefix, _, word = tag.partition(":")
        if prefix == "park":
            name, mentions = word.removesuffix(MENTIONS), word.endswith(MENTIONS)
            park = self._own_names.get(name)
            shown = name if chinese or park is None else park.name_en
            return shown + (("(含提及)" if chinese else " (and mentions)") if mentions else "")
        if prefix == "province":
            return f"{word}全部高新区" if chinese else f"all high-tech zones in {english.province_name(word)}"
        if prefix == "topic":
            topic = self.topic(word)
            return (topic.name if chinese else topic.name_en) if topic else word
        if prefix == "column":
            return self._column_label(word, chinese)
        if prefix == "bulletin":
            found = self.bulletin(word)
            name = (found.name if chinese or not found.name_en else found.name_en) if found else word
            return f"{name} 全部" if chinese else f"{name}, everything"
        return "全部内容" if chinese else "everything"

    def tags_of(self, article: Article, bulletin: str, column_key: str) -> tuple[str, ...]:
        """Every stored tag that brings this article to a follower, each once."""
        return tags_of(article, bulletin, column_key, self.park)

    def near(self, kind: str, word: str, limit: int = 5) -> list[str]:
        """Up to `limit` follows of a kind that are named like a word that names none: park:南昌高新区."""
        return [f"{kind}:{name}" for name in self._near(kind, word)[:limit]]

    def _own_words(self, tag: str) -> set[str]:
        """The names of what a tag stands for, folded, without its other names."""
        kind, _, key = tag.partition(":")
        names: list[str] = [key]
        if kind == "park" and (park := self._own_names.get(key)):
            names += [park.full_name, park.name_en]
        elif kind == "topic" and (topic := self.topic(key)):
            names += [topic.name, topic.name_en]
        elif kind == "column" and (column := self.column(key)):
            names += [column[1].key, column[1].name, column[1].name_en]
        elif kind == "bulletin" and (bulletin := self.bulletin(key)):
            names += [bulletin.name, bulletin.name_en]
        return {fold_word(name) for name in names if name}

    def _found(self, kind: str, word: str) -> str | None:
        try:
            return self._named(kind, word)
        except UsageError:  # a column of several bulletins
            return None

    def _named(self, kind: str, word: str) -> str | None:
        """The tag of what has this name among those of a kind. Raises UsageError for a column of several bulletins."""
        if kind == "park":
            name = word.removesuffix(MENTIONS).strip()
            park = self.park(name) or self.park_in_english(name)
            return f"park:{park.name}" + (MENTIONS if word.endswith(MENTIONS) else "") if park else None
        if kind == "province":
            province = self.province(word)
            return f"province:{province}" if province else None
        if kind == "topic":
            topic = self.topic(word)
            return f"topic:{topic.key}" if topic else None
        if kind == "column":
            found = self.column(word.strip("《》【】"))
            return f"column:{found[0].key}/{found[1].key}" if found else None
        key = self._bulletin_words.get(fold_word(word))
        return f"bulletin:{key}" if key else None

    def _candidates(self, kind: str) -> Mapping[str, str]:
        """Words and the names that they suggest, for an error."""
        if kind == "park":
            return self._park_suggestions
        if kind == "province":
            return self._province_words
        if kind == "topic":
            return {key: topic.name for key, topic in self._topic_words.items()}
        if kind == "bulletin":
            return self._bulletin_words
        return {
            name: f"{bulletin.key}/{spec.key}"
            for bulletin in self.bulletins
            for spec in bulletin.columns
            for name in column_words(spec)
        }

    def _hint(self, what: str) -> str:
        """`; did you mean park:南昌高新区?` where a word without its prefix is a name."""
        word = what.strip()
        known = [f"park:{park.name}" for park in [self.park(word.removesuffix(MENTIONS))] if park]
        known += [f"topic:{topic.key}" for topic in [self.topic(word)] if topic]
        known += [f"province:{province}" for province in [self.province(word)] if province]
        known += [self.resolve(f"bulletin:{b.key}") for b in self.bulletins if word in (b.key, b.name)]
        known = known or [found.tag for found in self.suggest(word.rpartition(":")[2], 3)]
        return f"; did you mean {_listed(known)}?" if known else ""

    def _unknown(self, kind: str, word: str) -> UsageError:
        """The error for a word that names nothing of this kind, with what is near it."""
        part = word.rpartition("/")[2] if kind == "column" else word
        names = self.near(kind, part)
        lists = {"topic": "topics", "column": "columns", "bulletin": "columns"}
        hint = f"Near it: {_listed(names)}" if names else ""
        return UsageError(f"There is no {kind} {word!r}. {hint or 'See: dispatch catalog ' + lists.get(kind, 'parks')}")

    def _near(self, kind: str, word: str) -> list[str]:
        """The nearest of the names of a kind: those that hold a word, else those it may spell, else those that look
        like it."""
        candidates = self._candidates(kind)
        return holding(word, candidates) or self._spelled(kind, word) or alike(word, candidates)

    def _spelled(self, kind: str, word: str) -> list[str]:
        found = self.suggest(word, 5, (kind,))
        return [item.name if kind in ("park", "province", "topic") else item.tag.partition(":")[2] for item in found]

    def _column_label(self, word: str, chinese: bool) -> str:
        key, _, column_key = word.partition("/")
        bulletin = self.bulletin(key)
        spec = next((spec for spec in bulletin.columns if spec.key == column_key), None) if bulletin else None
        spec = spec or ColumnSpec(column_key, column_key)
        return f"栏目《{spec.name}》" if chinese else f'the column "{spec.name_en or spec.name}"'

    @cached_property
    def _suggester(self) -> Suggester:
        return Suggester(self.parks, self.topics, self.offered)

    @cached_property
    def _park_words(self) -> Mapping[str, Park]:
        # The names in the file win over forms made from another park's.
        words = {fold_word(form): park for park in self.parks for form in written_forms(park)}
        own = {fold_word(n): park for park in self.parks for n in (park.name, park.full_name, *park.aliases)}
        return words | own

    @cached_property
    def _own_names(self) -> Mapping[str, Park]:
        return {park.name: park for park in self.parks}

    @cached_property
    def _park_keys(self) -> Mapping[str, Park]:
        # What parks are shown by wins over other names; a name of two is neither's.
        keys = [(english.key(name), park) for park in self.parks for name in park.english]
        counted = Counter(key for key, _ in keys)
        first = {english.key(park.name_en): park for park in self.parks if park.english}
        return {key: park for key, park in keys if counted[key] == 1} | first

    @cached_property
    def _park_suggestions(self) -> Mapping[str, str]:
        """Words that suggest a park: its names first, then loose aliases and cities."""
        words = {fold_word(name): park.name for park in self.parks for name in (park.name, *park.aliases)}
        for park in self.parks:
            for name in (*park.loose_aliases, *(f"{city}/{park.name}" for city in city_shorts(park.city))):
                words.setdefault(fold_word(name), park.name)
        return words

    @cached_property
    def _province_words(self) -> Mapping[str, str]:
        provinces = dict.fromkeys(park.province for park in self.parks)
        return {
            fold_word(word): province
            for province in provinces
            for word in (english.province_name(province), province, province_short(province))
        }

    @cached_property
    def _bulletin_words(self) -> Mapping[str, str]:
        words: dict[str, str] = {}
        for bulletin in self.bulletins:
            for name in (bulletin.key, bulletin.name, bulletin.name_en):
                if name:
                    words.setdefault(fold_word(name), bulletin.key)
        return words

    @cached_property
    def _topic_words(self) -> Mapping[str, Topic]:
        return {
            fold_word(word): topic
            for topic in self.topics
            for word in (topic.key, topic.name, topic.name_en, *topic.aliases)
        }


def _parted(what: str) -> tuple[str, str | None]:
    """`park：南昌高新区` -> park, 南昌高新区; without a colon there is no word."""
    prefix, colon, word = what.strip().replace("：", ":", 1).partition(":")
    return prefix.strip().lower(), word.strip() if colon else None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
