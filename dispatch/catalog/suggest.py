"""What somebody may mean who has typed a part of a name, or its pinyin: parks, topics, columns and provinces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from dispatch.catalog.english import plain, province_name
from dispatch.catalog.pinyin import readings, spelled
from dispatch.catalog.values import Bulletin, Park, Topic
from dispatch.catalog.words import city_shorts, fold, fold_word, province_short, zone_head

KINDS = ("province", "park", "topic", "column", "bulletin")
MOST = 50  # suggestions in one answer
_LONGEST = 64  # characters of a query that are looked at
_STARTS = 12  # places in a name at which a match may begin
_READINGS = 4  # ways to read a query's characters
_PLACE = 2  # the weight of a name that is that of the place
_TYPO_FROM = 4  # letters from which one may be wrong


class Match(IntEnum):
    """How a word fits a name, the best first."""

    EXACT = 0
    PREFIX = 1
    WORD = 2  # at the beginning of a word or character within the name
    INNER = 3
    TYPO = 4  # one letter wrong, missing, too much or in the wrong place


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to follow, and how well it fits. `matched` is the name that fits."""

    kind: str
    tag: str
    name: str
    match: Match
    matched: str


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of something. `units` are its characters, or words of letters, each with the ways to write it; `weight`
    says how far from the thing's own name it is: 0 its own, 1 another of its names, 2 where it is. `letters` is all of
    it in pinyin, in a few ways; `starts` has the units that can begin with a character. Of names in English no word but
    the last is cut short."""

    text: str
    weight: int
    units: tuple[tuple[str, ...], ...]
    letters: tuple[str, ...]
    starts: Mapping[str, tuple[int, ...]]
    english: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    tag: str
    name: str
    names: tuple[_Name, ...]


class Suggester:
    """An index over a catalog, made once; asking it writes nothing."""

    def __init__(self, parks: Iterable[Park], topics: Iterable[Topic], bulletins: Iterable[Bulletin]) -> None:
        parks = tuple(parks)
        self._entries = [*_provinces(parks), *map(_park, parks), *map(_topic, topics), *_columns(bulletins)]

    def find(self, word: str, limit: int = 10, kinds: Collection[str] = KINDS) -> list[Suggestion]:
        """What `word` may mean, the likeliest first, at most `limit` (and MOST). White space separates parts that
        must all fit. Other characters of the same sound, or traditional ones, and a wrong letter are thought of only
        where nothing fits."""
        parts = plain(word[:_LONGEST]).replace("ü", "v").split()
        if not parts:
            return []
        entries = [entry for entry in self._entries if entry.kind in kinds]
        for way in (parts, *_by_sound(parts)):
            if found := _ranked(entries, way):
                return found[: max(0, min(limit, MOST))]
        return _misspelled(entries, parts)[: max(0, min(limit, MOST))]


def _by_sound(parts: list[str]) -> Iterator[list[str]]:
    """A query with its characters in pinyin, in a few ways; nothing for one that has none."""
    ways = [spelled(part, _READINGS) for part in parts]
    if [way[0] for way in ways] != parts:
        for number in range(max(map(len, ways))):
            yield [way[min(number, len(way) - 1)] for way in ways]


_Order = tuple[int, ...]


def _ranked(entries: Iterable[_Entry], parts: list[str]) -> list[Suggestion]:
    scored: list[tuple[_Order, Suggestion]] = []
    for number, entry in enumerate(entries):
        if best := _score(entry, parts):
            (match, *rest), name = best
            order = (match, *rest[:2], KINDS.index(entry.kind), *rest[2:], number)
            scored.append((order, Suggestion(entry.kind, entry.tag, entry.name, Match(match), name.text)))
    return [suggestion for _, suggestion in sorted(scored, key=lambda pair: pair[0])]


def _score(entry: _Entry, parts: list[str]) -> tuple[_Order, _Name] | None:
    """How well a query fits, less is better, and the name that does: all of it one name, or else each part some."""
    if best := _best(entry, "".join(parts)):
        return best
    found: list[tuple[_Order, _Name]] = []
    for part in dict.fromkeys(parts) if len(parts) > 1 else ():
        fit = _best(entry, part)
        if fit is None:
            return None
        found.append(fit)
    if not found:
        return None
    order, name = max(found, key=lambda fit: fit[0])
    return (max(order[0], Match.PREFIX), *order[1:]), name


def _best(entry: _Entry, word: str) -> tuple[_Order, _Name] | None:
    """The name that a word fits best: the match, whether it is abbreviated, the name's weight and length."""
    fits = [
        ((max(fit[0], Match.PREFIX) if name.weight == _PLACE else fit[0], fit[1], name.weight, len(name.units)), name)
        for name in entry.names
        if (fit := _fit(name, word))
    ]
    return min(fits, key=lambda fit: fit[0], default=None)


def _fit(name: _Name, word: str) -> tuple[int, int] | None:
    """How a word fits a name: the match, and whether syllables are cut short."""
    best: tuple[int, int] | None = None
    for start in name.starts.get(word[0], ()):
        ended = _walk(name.units, start, word)
        if ended is not None:
            at_end, cut = ended
            match = Match.WORD if start else Match.EXACT if at_end else Match.PREFIX
            best = min(best or (9, 9), (int(match), int(cut)))
    if name.english and best is not None and best[1]:
        return None
    if best is None and not name.english and len(word) > 2 and word in name.text:
        best = (int(Match.INNER), 0)
    return best


def _walk(units: tuple[tuple[str, ...], ...], start: int, word: str) -> tuple[bool, bool] | None:
    """Spell `word` by the units from `start` on, each whole or by its beginning (`nc`, `nanc`, `nchang`). Whether it
    spells all of them to the end, and whether any but the last is cut short; None where it does not."""
    ways: dict[int, tuple[bool, bool]] = {0: (False, False)}  # by how many letters are spelled: the best way so far
    for unit in units[start:]:
        longer: dict[int, tuple[bool, bool]] = {}
        for done, (_, cut) in ways.items():
            for way in unit if done < len(word) else ():
                for length in _lengths(way, word[done:]):
                    short = length < len(way)
                    here = (short, cut or (short and done + length < len(word)))
                    longer[done + length] = min(longer.get(done + length, here), here, key=_sum)
        if len(word) in longer:
            short, cut = longer[len(word)]
            return not short and unit is units[-1], cut
        if not longer:
            return None
        ways = longer
    return None


def _sum(way: tuple[bool, bool]) -> int:
    return 2 * way[1] + way[0]


def _lengths(unit: str, word: str) -> Iterator[int]:
    """How many letters of a unit the word may have: all, its initial, or what the word ends with."""
    if word.startswith(unit):
        yield len(unit)
    elif len(word) < len(unit) and unit.startswith(word):
        yield len(word)
    if len(unit) > 1 and unit[:2] in ("zh", "ch", "sh") and len(word) > 2 and word.startswith(unit[:2]):
        yield 2
    if len(unit) > 1 and len(word) > 1 and word[0] == unit[0]:
        yield 1


def _misspelled(entries: Iterable[_Entry], parts: list[str]) -> list[Suggestion]:
    """Names that begin with the word but for one letter."""
    from rapidfuzz.distance import OSA  # not at module import: only wrong words need it

    word = spelled("".join(parts), 1)[0]
    if len(word) < _TYPO_FROM or not word.isascii():
        return []
    scored = []
    for number, entry in enumerate(entries):
        for name in entry.names:
            for letters in name.letters:
                heads = {letters[:length] for length in (len(word) - 1, len(word), len(word) + 1)}
                if any(OSA.distance(word, head, score_cutoff=1) <= 1 for head in heads):
                    whole = abs(len(letters) - len(word)) > 1
                    order = (whole, name.weight, KINDS.index(entry.kind), len(letters), number)
                    scored.append((order, Suggestion(entry.kind, entry.tag, entry.name, Match.TYPO, name.text)))
    best: dict[str, Suggestion] = {}
    for _, found in sorted(scored, key=lambda pair: pair[0]):
        best.setdefault(found.tag, found)
    return list(best.values())


def _provinces(parks: Iterable[Park]) -> Iterator[_Entry]:
    for province in dict.fromkeys(park.province for park in parks):
        found = _entry("province", f"province:{province}", province, [province_short(province), province])
        yield replace(found, names=(*found.names, _english(province_name(province))))


def _park(park: Park) -> _Entry:
    own = [name for name in (park.name, zone_head(park.name)) if name]
    others = [park.full_name, *park.aliases, *park.loose_aliases]
    places = [*city_shorts(park.city), province_short(park.province)]
    found = _entry("park", f"park:{park.name}", park.name, own, others, places)
    return replace(found, names=(*found.names, *map(_english, park.english)))


def _topic(topic: Topic) -> _Entry:
    return _entry("topic", f"topic:{topic.key}", topic.name, [topic.name, topic.key, topic.name_en], topic.aliases)


def _columns(bulletins: Iterable[Bulletin]) -> Iterator[_Entry]:
    for bulletin in bulletins:
        for spec in bulletin.columns:
            own = [name for name in (spec.name, spec.key, spec.name_en) if name]
            yield _entry("column", f"column:{bulletin.key}/{spec.key}", spec.name, own, spec.aliases)
        own = [name for name in (bulletin.name, bulletin.key, bulletin.name_en) if name]
        yield _entry("bulletin", f"bulletin:{bulletin.key}", bulletin.name, own)


def _entry(
    kind: str, tag: str, name: str, own: Iterable[str], others: Iterable[str] = (), places: Iterable[str] = ()
) -> _Entry:
    weights: dict[str, int] = {}
    for weight, words in enumerate((own, others, places)):
        for word in words:
            weights.setdefault(word, weight)
    return _Entry(kind, tag, name, tuple(_name(word, weight) for word, weight in weights.items()))


def _english(text: str) -> _Name:
    """A name in English: another one of the thing's."""
    return replace(_name(plain(text), 1), text=text, english=True)


def _name(text: str, weight: int) -> _Name:
    units = tuple(_units(text))
    letters = [way for way in spelled(fold_word(text), 4) if way.isascii()]
    starts: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for number, unit in enumerate(units[:_STARTS]):
        for first in dict.fromkeys(way[0] for way in unit):
            starts[first] += (number,)
    return _Name(fold_word(text), weight, units, tuple(letters), dict(starts))


def _units(text: str) -> Iterator[tuple[str, ...]]:
    """The characters of a name with their readings; letters and digits word by word."""
    known = readings()
    word = ""
    for character in fold(text):
        if character.isascii() and character.isalnum():
            word += character
            continue
        if word:
            yield (word,)
            word = ""
        if character in known:
            yield (character, *known[character])
        elif character.isalnum():
            yield (character,)
    if word:
        yield (word,)
