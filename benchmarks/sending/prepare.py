"""Makes the store that the product sends from: an approved issue, and readers who follow something in it.

    benchmarks/sending/prepare.py FOLDER READERS

Each reader follows one, two or three of a park and five topics, and gets one message: two of the four articles in full
and the others as titles, so there are six variants. The articles are as long as it takes for a message of WIRE_BYTES.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.pop(0)  # not this folder
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.sending import filling
from dispatch import archive
from dispatch.app import App
from dispatch.digests.compose import section
from dispatch.model import Article, Block, BlockKind, Column, Content, Issue
from dispatch.settings import EmailSettings, Settings, WebSettings
from dispatch.testing.samples import sample_envelope
from subscribers.database import SCHEMA, Database

WIRE_BYTES = 23_000

_CARRIED = {  # by which articles, and followed by which readers (their number modulo 7)
    "park:南昌高新区": ((0, 1), (0, 6)),
    "topic:optoelectronics": ((2, 3), (1,)),
    "topic:blockchain": ((0,), (2, 3, 6)),
    "topic:biomedicine": ((1,), (4, 5, 6)),
    "topic:new-materials": ((2,), (2, 4)),
    "topic:new-energy": ((3,), (3, 5)),
}
_VARIANTS = (0b0011, 0b1100, 0b0101, 0b1001, 0b0110, 0b1010)
_PARAGRAPH = (
    "南昌高新区聚焦光电产业，上半年新增企业120家，完善服务体系，搭建公共平台，"
    "推动创新链、产业链、资金链、人才链深度融合，"
)


def prepare(folder: Path, readers: int) -> None:
    """A database with the approved issue and the readers, in one file."""
    db = Database.open(f"sqlite:///{folder / 'dispatch.db'}", (SCHEMA, archive.SCHEMA))
    with db.transaction():
        _add_issue(db, _fitting())
        filling.add_readers(db, readers, "email", "'reader' || id || '@example.test'")
        for tag, (_, followers) in sorted(_CARRIED.items()):
            filling.follow(db, tag, f"id % 7 IN ({', '.join(map(str, followers))})")
    db.run("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _add_issue(db: Database, characters: int) -> None:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in _paragraphs(characters))
    articles = tuple(Article(f"高新区光电产业再上台阶之{n}", "南昌高新区", blocks) for n in range(4))
    column = Column("高质量发展看高新区", "", articles)
    issue = Issue("huoju", "火炬动态", "科技部火炬中心", 2022, 5, 534, None, (column,))
    tags = {
        article.title: [tag for tag, (carriers, _) in _CARRIED.items() if n in carriers]
        for n, article in enumerate(articles)
    }
    filling.add_issue(db, issue, lambda article: tags[article.title])


def _paragraphs(characters: int) -> list[str]:
    text = _PARAGRAPH * (characters // len(_PARAGRAPH) + 1)
    return [text[at : min(at + 200, characters)] for at in range(0, characters, 200)]


def _fitting() -> int:
    """The characters of an article with which a message has WIRE_BYTES: size is a straight line of length."""
    short, long = 200, 2000
    small, large = _mean_size(short), _mean_size(long)
    return max(round(short + (WIRE_BYTES - small) * (long - short) / (large - small)), 1)


def _mean_size(characters: int) -> float:
    """Bytes of a message on the wire, as the channel builds it, over the variants."""
    email = EmailSettings(host="127.0.0.1", from_address="news@example.test", postal_address="1 Example Road, Beijing")
    app = App(Settings.model_construct(email=email, web=WebSettings(base_url="https://bulletin.example.org")))
    channel = app.channels()["email"]
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{folder}/dispatch.db", (SCHEMA, archive.SCHEMA))
        with db.transaction():
            _add_issue(db, characters)
        digest = archive.digest(db, archive.digest_ids(db, 1)[0])
        db.close()
    envelope = sample_envelope("reader1@example.test", channel="email", name="x" * 90)  # as long as a signed link
    sizes = [
        len(channel.preview(Content("digest", "zh", "full", (section(digest, variant),)), envelope)[".eml"].encode())
        for variant in _VARIANTS
    ]
    return sum(sizes) / len(sizes)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]))
