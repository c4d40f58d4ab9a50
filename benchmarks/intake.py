"""How right and how fast issues are read: the sample in every form that the tests keep of it.

    benchmarks/intake.py [--quick] [--json]

Each file is read by a process of its own, as the program does it: bytes to lines, lines to an issue, tagged. What comes
out is compared with the right reading of the sample, in which width and punctuation are set aside, as forms differ in
them. The files are `config/samples/huoju-2022-05.md` and whatever stands in `tests/data/forms`.

Ratios:
    articles_right    articles with their title, credit and column, of all in all files (at least 0.99)
    blocks_right      blocks of the articles' text, of all (at least 0.99)
    cuts_mended       paragraphs that a page end cuts in the sample and that are whole, of all (at least 0.99)
    slowest_to_limit  milliseconds of the slowest file over the 5,000 that one may take (at most 1)

Figures, a file each: articles of 11, blocks, cuts of 9, milliseconds (the median of five readings; of one with --quick)
and the process's peak memory in MB, with `base_mb` for a process that has the catalog and has read nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.opening import read_bytes
from dispatch.intake.reading import Reader
from dispatch.intake.suffixes import SUFFIXES
from dispatch.model import Issue

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "config" / "samples" / "huoju-2022-05.md"
FORMS = ROOT / "tests" / "data" / "forms"
EXPECTED = ROOT / "tests" / "data" / "huoju-2022-05.expected.json"
LIMIT_MS = 5000.0
TURNS = 5
PROMISED = {"articles_right": 0.99, "blocks_right": 0.99, "cuts_mended": 0.99}
# Words from both sides of each page end of the sample.
CUTS = (
    "题为“高质量发展下科技企业创新潜力测度与金融支持政策研究”“国家高新区绿色高质量发展的运行机理研究”的报告",
    "总体成效给予了充分肯定",
    "开展了一批创新创业大赛",
    "率先把67个区直部门单位",
    "聚焦资源集聚",
    "产品质量监督抽查、质量问题追溯",
    "围绕重点产业“卡脖子”",
    "昆山高新区省级以上各类孵化载体",
    "同时,以区块链产业化",
)


def files() -> list[Path]:
    """The sample, and what is kept of it in other forms."""
    kept = (path for form in ("docx", "html", "md", "pdf", "txt") for path in (FORMS / form).glob("*"))
    return [SAMPLE, *sorted(path for path in kept if path.is_file() and path.suffix.lower() in SUFFIXES)]


def folded(text: str) -> str:
    """A text without the difference of widths, signs and blanks."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def compared(issue: Issue, expected: dict[str, Any]) -> dict[str, int]:
    """How much of an issue is as it should be."""
    articles, blocks = Counter(_articles(issue)), Counter(_blocks(issue))
    wanted_articles = Counter(
        (folded(column["name"]), folded(article["title"]), folded(article["credit"]))
        for column in expected["columns"]
        for article in column["articles"]
    )
    wanted_blocks = Counter(
        (block["kind"], folded(block["text"]))
        for column in expected["columns"]
        for article in column["articles"]
        for block in article["blocks"]
    )
    texts = [text for _, text in blocks]
    return {
        "articles": (articles & wanted_articles).total(),
        "of_articles": wanted_articles.total(),
        "blocks": (blocks & wanted_blocks).total(),
        "of_blocks": wanted_blocks.total(),
        "more_blocks": (blocks - wanted_blocks).total(),
        "cuts": sum(any(folded(cut) in text for text in texts) for cut in CUTS),
        "of_cuts": len(CUTS),
    }


def _articles(issue: Issue) -> Iterator[tuple[str, str, str]]:
    for column in issue.columns:
        yield from ((folded(column.name), folded(a.title), folded(a.credit)) for a in column.articles)


def _blocks(issue: Issue) -> Iterator[tuple[str, str]]:
    for column in issue.columns:
        for article in column.articles:
            yield from ((block.kind.value, folded(block.text)) for block in article.blocks)


def one(path: Path | None, turns: int) -> dict[str, Any]:
    """A file in this process; without one, what the process takes before it reads any."""
    reader = Reader(load_catalog())
    if path is None:
        return {"peak_mb": _peak_mb()}
    taken = []
    try:
        for _ in range(turns):
            begin = time.perf_counter()
            reading = reader.issue(read_bytes(path, path.name), path.suffix.lower(), path.name)
            taken.append((time.perf_counter() - begin) * 1000)
    except IntakeError as error:
        return {"refused": str(error), **_nothing()}
    found = compared(reading.issue, json.loads(EXPECTED.read_text(encoding="utf-8")))
    return {
        **found,
        "warnings": len(reading.warnings),
        "ms": round(statistics.median(taken), 1),
        "peak_mb": _peak_mb(),
    }


def _nothing() -> dict[str, Any]:
    """What is right of a file that is refused."""
    columns = json.loads(EXPECTED.read_text(encoding="utf-8"))["columns"]
    articles = [article for column in columns for article in column["articles"]]
    blocks = sum(len(article["blocks"]) for article in articles)
    whole = {"of_articles": len(articles), "of_blocks": blocks, "of_cuts": len(CUTS)}
    return {**whole, **dict.fromkeys(("articles", "blocks", "more_blocks", "cuts", "warnings"), 0), "ms": 0.0}


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _apart(path: Path | None, turns: int) -> dict[str, Any]:
    words = [str(path) if path else "-", str(turns)]
    done = subprocess.run([sys.executable, __file__, "--one", *words], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def measure(turns: int) -> dict[str, Any]:
    """All files, as ratios and figures."""
    forms = {str(path.relative_to(ROOT)): _apart(path, turns) for path in files()}
    ratios = {
        name: sum(row[key] for row in forms.values()) / sum(row[f"of_{key}"] for row in forms.values())
        for name, key in (("articles_right", "articles"), ("blocks_right", "blocks"), ("cuts_mended", "cuts"))
    }
    ratios["slowest_to_limit"] = max(row["ms"] for row in forms.values()) / LIMIT_MS
    base = _apart(None, 0)["peak_mb"]
    return {
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "figures": {"base_mb": base, "forms": forms},
    }


def show(measured: dict[str, Any]) -> None:
    figures = measured["figures"]
    print(f"{'file':<44}{'articles':>10}{'blocks':>9}{'cuts':>6}{'ms':>9}{'MB':>7}")
    for name, row in figures["forms"].items():
        if "refused" in row:
            print(f"{name:<44}  refused: {row['refused']}")
            continue
        counts = f"{row['articles']}/{row['of_articles']:<4}{row['blocks']:>6}/{row['of_blocks']}"
        print(f"{name:<44}{counts:>19}{row['cuts']:>4}/{row['of_cuts']}{row['ms']:>9,}{row['peak_mb']:>7}")
    print(f"a process that has read nothing: {figures['base_mb']} MB")
    for name, value in measured["ratios"].items():
        limit = f" (at least {PROMISED[name]})" if name in PROMISED else " (at most 1)"
        print(f"{name}: {value}{limit}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="read each file once")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=2, metavar=("FILE", "TURNS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, turns = options.one
        print(json.dumps(one(None if name == "-" else Path(name), int(turns)), ensure_ascii=False))
        return
    measured = measure(1 if options.quick else TURNS)
    print(json.dumps(measured, indent=2, ensure_ascii=False)) if options.json else show(measured)


if __name__ == "__main__":
    main()
