"""How right and how fast articles are tagged: labelled articles, read and tagged as the program does it.

    benchmarks/tagging.py [--quick] [--json] [--half work|measured]

`tests/data/tagging` has two halves: `work` is what the rules are made with, `measured` (the default) what they are only
measured with. A park counts as one of (article, park, role): a subject that is tagged as a mention is wrong twice, as a
mention too many and as a subject missing. What a label calls optional counts neither way.

Ratios:
    subject_precision, subject_recall    parks that an article is about (at least 0.97)
    mention_precision, mention_recall    parks that it names (at least 0.97)
    topic_precision, topic_recall        topics (at least 0.9 and 0.8)
    mb_per_second                        megabytes of text tagged in a second of CPU (at least 1; --quick tags less)

Figures: the same again, how many articles, parks and topics there are, the milliseconds of CPU to load the catalog (at
most 100) and to build the tagger, and each error with the words that led to it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch.catalog import load_catalog
from dispatch.intake.readers import article_of
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, Evidence

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "data" / "tagging"
SAMPLE = ROOT / "tests" / "data" / "huoju-2022-05.expected.json"
HALVES = ("work", "measured")
PROMISED = {
    "subject_precision": 0.97,
    "subject_recall": 0.97,
    "mention_precision": 0.97,
    "mention_recall": 0.97,
    "topic_precision": 0.9,
    "topic_recall": 0.8,
    "mb_per_second": 1.0,
}
MEGABYTES, QUICK_MEGABYTES = 8.0, 1.0
TURNS = 5
WORDS = 4  # of the evidence that an error is printed with


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article with what a person says of it."""

    file: str
    article: Article
    subjects: frozenset[str]
    mentions: frozenset[str]
    topics: frozenset[str]
    optional: frozenset[str]
    optional_parks: frozenset[str]
    trap: bool


@dataclass
class Score:
    """What was found of what was looked for, and each error in words."""

    right: int = 0
    wrong: int = 0
    missing: int = 0
    errors: list[str] = field(default_factory=list)

    def count(self, found: frozenset[str], wanted: frozenset[str], optional: frozenset[str]) -> frozenset[str]:
        """Count one article's; gives the names that are wrong or missing."""
        wrong, missing = found - wanted - optional, wanted - found
        self.right += len(found & wanted)
        self.wrong += len(wrong)
        self.missing += len(missing)
        return wrong | missing

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missing) if self.right + self.missing else 1.0


def read_half(half: str) -> list[Labelled]:
    """The labelled articles of a half, by name."""
    return [read_labelled(file) for file in sorted((CORPUS / half).glob("*.txt"))]


def read_labelled(file: Path) -> Labelled:
    head, _, text = file.read_text(encoding="utf-8").partition("\n\n")
    labels = dict(line.split(":", 1) for line in head.splitlines())
    labels = {key.strip(): value.strip() for key, value in labels.items()}
    read = article_of(f"{labels['title']}\n{text}".encode(), ".txt", file.name)

    def names(key: str) -> frozenset[str]:
        return frozenset(name.strip() for name in labels.get(key, "").split(",") if name.strip())

    return Labelled(
        file=file.stem,
        article=replace(read, title=labels["title"], credit=labels.get("credit", "")),
        subjects=names("subjects"),
        mentions=names("mentions"),
        topics=names("topics"),
        optional=names("optional"),
        optional_parks=names("optional_parks"),
        trap=labels.get("trap", "no").startswith("yes"),
    )


def judge(tagger: Tagger, labelled: Iterable[Labelled]) -> dict[str, Score]:
    """Scores of subjects, mentions and topics over the articles."""
    scores = {"subject": Score(), "mention": Score(), "topic": Score()}
    for item in labelled:
        tagged = tagger.tag(item.article)
        why = {park.name: park.evidence for park in tagged.parks}
        why |= {topic.key: topic.evidence for topic in tagged.topics}
        wanted = {"subject": item.subjects, "mention": item.mentions, "topic": item.topics}
        roles = {
            role: frozenset(park.name for park in tagged.parks if park.role == role) for role in ("subject", "mention")
        }
        found = roles | {"topic": frozenset(topic.key for topic in tagged.topics)}
        for kind, score in scores.items():
            optional = item.optional if kind == "topic" else item.optional_parks
            for name in sorted(score.count(found[kind], wanted[kind], optional)):
                verdict = "wrong" if name in found[kind] else "missing"
                reason = _words(why.get(name))
                score.errors.append(f"{item.file}: {item.article.title}: {kind} {name} {verdict}{reason}")
    return scores


def _words(evidence: Sequence[Evidence] | None) -> str:
    return f" ({'; '.join(passage.text for passage in evidence[:WORDS])})" if evidence else ""


def large(megabytes: float) -> list[Article]:
    """Articles of the sample and of the corpus, over and over, of so many megabytes."""
    articles = [*_sample(), *(item.article for half in HALVES for item in read_half(half))]
    size = sum(_bytes(article) for article in articles)
    return articles * max(1, round(megabytes * 1e6 / size))


def _sample() -> Iterator[Article]:
    issue = json.loads(SAMPLE.read_text(encoding="utf-8"))
    for column in issue["columns"]:
        for entry in column["articles"]:
            blocks = tuple(Block(BlockKind(block["kind"]), block["text"]) for block in entry["blocks"])
            yield Article(entry["title"], entry["credit"], blocks)


def _bytes(article: Article) -> int:
    texts = (article.title, article.credit, *(block.text for block in article.blocks))
    return sum(len(text.encode()) for text in texts)


def speed(tagger: Tagger, megabytes: float, turns: int) -> float:
    """Megabytes of text that are tagged in a second, the median."""
    articles = large(megabytes)
    size = sum(map(_bytes, articles)) / 1e6
    return size / median_seconds(lambda: [tagger.tag(article) for article in articles], turns)


def median_seconds(work: Callable[[], object], turns: int) -> float:
    """Seconds of CPU, so that what else the machine does counts little."""

    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return statistics.median(once() for _ in range(turns))


def measure(half: str, *, quick: bool) -> dict[str, Any]:
    catalog = load_catalog()
    tagger = Tagger(catalog)
    labelled = read_half(half)
    scores = judge(tagger, labelled)
    ratios: dict[str, float] = {}
    for kind, score in scores.items():
        ratios[f"{kind}_precision"] = round(score.precision, 4)
        ratios[f"{kind}_recall"] = round(score.recall, 4)
    turns = 1 if quick else TURNS
    ratios["mb_per_second"] = round(speed(tagger, QUICK_MEGABYTES if quick else MEGABYTES, turns), 2)
    figures: dict[str, Any] = {
        **ratios,
        "half": half,
        "articles": len(labelled),
        "traps": sum(item.trap for item in labelled),
        "subjects": sum(len(item.subjects) for item in labelled),
        "mentions": sum(len(item.mentions) for item in labelled),
        "topics": sum(len(item.topics) for item in labelled),
        "catalog_ms": round(median_seconds(load_catalog, TURNS) * 1000, 1),
        "tagger_ms": round(median_seconds(lambda: Tagger(catalog), TURNS) * 1000, 1),
        "errors": {kind: score.errors for kind, score in scores.items()},
    }
    return {"ratios": ratios, "figures": figures}


def show(found: dict[str, Any]) -> None:
    figures = found["figures"]
    for errors in figures["errors"].values():
        for error in errors:
            print(error)
    print(f"{figures['articles']} articles ({figures['half']}), {figures['traps']} of them traps")
    print(f"loading: catalog {figures['catalog_ms']} ms, tagger {figures['tagger_ms']} ms")
    for name, value in found["ratios"].items():
        print(f"{name}: {value}{'' if value >= PROMISED[name] else f'  (promised: {PROMISED[name]})'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one turn over less text for the speed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--half", choices=HALVES, default="measured", help="which half is judged")
    options = parser.parse_args()
    found = measure(options.half, quick=options.quick)
    print(json.dumps(found, indent=2, ensure_ascii=False)) if options.json else show(found)


if __name__ == "__main__":
    main()
