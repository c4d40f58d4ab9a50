"""Processes that read files: what they may take, and what becomes of those that break.

The bad ones are programs of the test that speak the protocol and then do harm; who asks them is the real one.
"""

from __future__ import annotations

import json
import os
import select
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError, NoReader
from dispatch.intake import frames
from dispatch.intake.answer import Answer
from dispatch.intake.opening import MAX_PACKED, MAX_TEXT
from dispatch.intake.pickup import Pickup
from dispatch.intake.reading import Reader
from dispatch.intake.sandbox import Limits, Sandbox

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "samples" / "huoju-2022-05.md"
PATIENT = Limits(seconds=60, memory_mb=512)
HASTY = Limits(seconds=0.3, memory_mb=512)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all the limits")

# What each bad program begins with: it gets the start, says that it is ready, and takes one question.
_BEGIN = """
import ctypes, json, os, signal, sys, time
from dispatch.intake import frames
from dispatch.intake.confinement import confine, limit_memory, limit_time
own, source = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
start = json.loads(frames.read(source))
def question():
    return frames.read(source), frames.read(source)
def answer(**values):
    frames.write(own, frames.encode(dict(reading=None, article=None, error="", **values)))
def ready():
    frames.write(own, frames.READY)
"""


@pytest.fixture
def made() -> Iterator[list[Sandbox]]:
    boxes: list[Sandbox] = []
    yield boxes
    for box in boxes:
        box.close()


def bad(made: list[Sandbox], program: str, limits: Limits = PATIENT) -> Sandbox:
    """A sandbox whose processes run a program of the test."""
    command = (sys.executable, "-P", "-c", _BEGIN + textwrap.dedent(program))
    made.append(Sandbox(None, limits, command))
    return made[-1]


def refusal(box: Sandbox, path: Path = SAMPLE) -> str:
    with pytest.raises(IntakeError) as caught:
        box.issue(path, path.name)
    words = str(caught.value)
    assert words.startswith(f"{path.name}: ")
    assert "\n" not in words
    assert "Traceback" not in words
    return words


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return False


# The real program


def test_a_file_is_read_as_it_would_be_here(made: list[Sandbox]) -> None:
    made.append(Sandbox(None, PATIENT))
    here = Reader(load_catalog())
    data = SAMPLE.read_bytes()
    assert made[0].issue(SAMPLE, "issue.md") == here.issue(data, ".md", "issue.md")
    assert made[0].article(SAMPLE, "issue.md") == here.article(data, ".md", "issue.md")


def test_an_error_of_a_reader_comes_as_it_was_said(made: list[Sandbox], tmp_path: Path) -> None:
    made.append(Sandbox(None, PATIENT))
    path = tmp_path / "empty.md"
    path.write_bytes(b"")
    with pytest.raises(IntakeError, match=r"^empty\.md: the file is empty; was it saved whole\?$"):
        made[0].issue(path, "empty.md")
    assert made[0].issue(SAMPLE, "issue.md").issue.ref == "534"


def test_a_catalog_of_ones_own_is_read_there_too(made: list[Sandbox], tmp_path: Path) -> None:
    head = (SAMPLE.parents[1] / "parks.csv").read_text(encoding="utf-8").splitlines()[0]
    row = dict.fromkeys(head.split(","), "") | {"name": "月球高新区", "full_name": "月球高新技术产业开发区"}
    row |= {"province": "江西省", "city": "月球市"}
    (tmp_path / "parks.csv").write_text(f"{head}\n{','.join(row.values())}\n", encoding="utf-8")
    article = tmp_path / "a.txt"
    article.write_text("月球高新区发布新政策\n\n月球高新区近日发布了新政策。\n", encoding="utf-8")
    made.append(Sandbox(tmp_path, PATIENT))
    assert [park.name for park in made[0].article(article, "a.txt").parks] == ["月球高新区"]


def test_many_threads_may_ask(made: list[Sandbox]) -> None:
    made.append(Sandbox(None, PATIENT))
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda number: made[0].issue(SAMPLE, f"{number}.md"), range(40)))
    assert [reading.source for reading in found] == [f"{number}.md" for number in range(40)]


def test_after_closing_a_new_one_is_started(made: list[Sandbox]) -> None:
    made.append(Sandbox(None, PATIENT))
    made[0].close()
    assert made[0].issue(SAMPLE, "a.md").issue.ref == "534"
    made[0].close()
    made[0].close()
    assert made[0].issue(SAMPLE, "a.md").issue.ref == "534"


# Programs that break


def test_one_that_hangs_is_ended_after_its_time(made: list[Sandbox]) -> None:
    assert "took longer than 0.3 seconds" in refusal(bad(made, "ready(); question(); signal.pause()", HASTY))


def test_one_that_does_not_take_the_file_is_ended_too(made: list[Sandbox], tmp_path: Path) -> None:
    large = tmp_path / "large.md"
    large.write_bytes(b"x" * 5_000_000)
    assert "took longer than" in refusal(bad(made, "ready(); signal.pause()", HASTY), large)


@LINUX
def test_one_that_wants_too_much_memory_is_told_of(made: list[Sandbox]) -> None:
    program = """
        limit_memory(100); ready(); question()
        try:
            held = [bytearray(10_000_000) for _ in range(1000)]
        except MemoryError:
            os._exit(frames.OUT_OF_MEMORY)
        answer()
    """
    assert "needed more than 512 MB of memory" in refusal(bad(made, program))


@LINUX
def test_one_that_computes_too_long_is_ended_by_the_system_too(made: list[Sandbox]) -> None:
    program = """
        ready(); question(); limit_time(0.1)
        while True: pass
    """
    assert "took longer than" in refusal(bad(made, program))


@LINUX
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL"])
def test_one_that_crashes_is_told_of_by_its_signal(made: list[Sandbox], name: str) -> None:
    words = refusal(bad(made, f"ready(); question(); os.kill(os.getpid(), signal.{name})"))
    assert "(signal " in words
    assert "save it anew" in words


@LINUX
def test_one_that_gives_up_may_have_needed_more_memory(made: list[Sandbox]) -> None:
    words = refusal(bad(made, "ready(); question(); os.kill(os.getpid(), signal.SIGABRT)"))
    assert "it needs more than 512 MB of memory, or the file is damaged" in words


def test_one_that_leaves_is_told_of(made: list[Sandbox]) -> None:
    assert "(exit code 3)" in refusal(bad(made, "ready(); question(); sys.exit(3)"))


@pytest.mark.parametrize(
    "harm",
    [
        "own.write(b'garbage' * 100); own.flush()",
        "own.write(frames.head(frames.MAX_ANSWER + 1)); own.flush()",
        "own.write(frames.head(2) + b'{}' + b'more'); own.flush()",
        "frames.write(own, b'{}'); question()",
        "frames.write(own, b'[1, 2'); question()",
        "frames.write(own, b'\\xff\\xfe'); question()",
        "frames.write(own, frames.encode({'reading': {'source': 1}, 'article': None, 'error': ''})); question()",
        "frames.write(own, frames.encode({'reading': None, 'article': None, 'error': ''})); question()",
        "frames.write(own, b'[' * 100_000); question()",
    ],
)
def test_an_answer_that_is_none_is_refused(made: list[Sandbox], harm: str) -> None:
    assert "no sound answer" in refusal(bad(made, f"ready(); question(); {harm}; signal.pause()"))


@pytest.mark.parametrize("fd", [1, 2])
def test_one_that_writes_without_end_is_ended(made: list[Sandbox], fd: int) -> None:
    program = f"""
        ready(); question()
        while True: os.write({fd}, b"\\x7f" * 100_000)
    """
    assert "save it anew" in refusal(bad(made, program))


def test_what_it_says_of_a_file_is_made_harmless(made: list[Sandbox]) -> None:
    program = r"""
        ready(); question()
        frames.write(own, frames.encode({"reading": None, "article": None, "error": "\x1b[2J\n‮" + "x" * 99999}))
        question()
    """
    words = refusal(bad(made, program))
    assert words.isprintable()
    assert len(words) < 3000


def test_its_last_words_are_in_the_log(made: list[Sandbox], caplog: pytest.LogCaptureFixture) -> None:
    refusal(bad(made, "ready(); question(); sys.exit('one\\ntwo\\x1b[2J')"))
    assert [record.getMessage() for record in caplog.records] == [
        f"the process that read {SAMPLE.name}: {line}" for line in ("one", "two?[2J")
    ]


def test_one_that_broke_is_replaced(made: list[Sandbox], tmp_path: Path) -> None:
    mark = tmp_path / "was there"
    box = bad(made, f"ready(); question(); p = {str(mark)!r}; os._exit(5) if not os.path.exists(p) else answer()")
    assert "(exit code 5)" in refusal(box)
    mark.touch()
    assert "no sound answer" in refusal(box)  # it answered, if without an issue


def test_a_file_is_not_judged_by_a_process_that_read_others(made: list[Sandbox], tmp_path: Path) -> None:
    """The second question breaks the process; a new one is asked once more, and answers."""
    program = """
        ready(); question()
        frames.write(own, frames.encode({"reading": None, "article": None, "error": "first of " + str(os.getpid())}))
        question(); os._exit(5)
    """
    box = bad(made, program)
    first, second = refusal(box), refusal(box)
    assert "first of" in first
    assert "first of" in second
    assert first != second


def ends(pid: int) -> bool:
    """Whether a process is gone, or is within 10 seconds: a kill takes its moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


@LINUX
def test_what_it_started_ends_with_it(made: list[Sandbox], tmp_path: Path) -> None:
    """Also where that holds the output open: nobody waits for it."""
    pid = tmp_path / "pid"
    program = f"""
        ready(); question()
        child = os.fork()
        if child == 0: signal.pause()
        open({str(pid)!r}, "w").write(str(child))
        signal.pause()
    """
    box = bad(made, program, Limits(seconds=1))
    assert "took longer" in refusal(box)
    assert ends(int(pid.read_text()))


def test_a_program_that_cannot_be_started_is_no_fault_of_the_file(made: list[Sandbox], tmp_path: Path) -> None:
    made += [Sandbox(None, PATIENT, (str(tmp_path / "none"),)), bad([], "sys.exit('no room')")]
    for box, why in zip(made, ("No such file", "no room"), strict=True):
        with pytest.raises(NoReader, match=why):
            box.issue(SAMPLE, "a.md")


@LINUX
def test_closing_breaks_off_what_is_read(made: list[Sandbox], tmp_path: Path) -> None:
    """`close` waits until the process is gone; the file is told of as not read, and not as bad."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    box = bad(made, f"ready(); question(); open({str(pipe)!r}, 'w').write(str(os.getpid())); signal.pause()")
    found: list[BaseException] = []

    def ask() -> None:
        try:
            box.issue(SAMPLE, "a.md")
        except NoReader as error:
            found.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    pid = int(pipe.read_text())
    box.close()
    thread.join()
    assert not is_alive(pid)
    assert "the program stops" in str(found[0])


# What a process may


@LINUX
def test_it_has_no_environment_of_ours_and_no_rights(
    made: list[Sandbox], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISPATCH_EMAIL__PASSWORD", "secret-in-the-environment")
    program = r"""
        confine()
        import resource
        ready(); question()
        status = open("/proc/self/status").read()
        said = [
            "secret" in str(os.environ), sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[-1] > 5,
            "NoNewPrivs:\t1" in status, os.nice(0) >= 10,
            *(resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)),
        ]
        frames.write(own, frames.encode({"reading": None, "article": None, "error": str(said)}))
        question()
    """
    assert "[False, False, True, True, (0, 0), (0, 0)]" in refusal(bad(made, program))


@LINUX
def test_it_dies_with_who_started_it(tmp_path: Path) -> None:
    """Also with one that is killed, while it works."""
    import signal
    import subprocess

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    busy = _BEGIN + f"confine(); ready(); question(); out = os.open({str(pipe)!r}, os.O_WRONLY)\n"
    busy += "os.write(out, str(os.getpid()).encode() + b'\\n')\nwhile True: pass"
    asks = (
        "import sys; from pathlib import Path; from dispatch.intake.sandbox import Limits, Sandbox\n"
        f"Sandbox(None, Limits(), (sys.executable, '-P', '-c', {busy!r})).issue(Path({str(SAMPLE)!r}), 'a.md')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", asks], env=environment)
    with pipe.open() as heard:  # it ends when the busy one does, which holds the other end
        pid = int(heard.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        assert heard.read() == ""
    parent.wait()


# Which files


@LINUX
def test_what_is_no_file_or_too_large_is_not_begun(made: list[Sandbox], tmp_path: Path) -> None:
    box = bad(made, "sys.exit('it was started')")
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "device.md").symlink_to("/dev/zero")
    for name, start, size in (("large.md", b"x", MAX_TEXT + 1), ("large.pdf", b"%PDF-1.7", 2_000_000_000)):
        (tmp_path / name).write_bytes(start)
        os.truncate(tmp_path / name, size)
    assert "not a regular file" in refusal(box, tmp_path / "pipe.pdf")
    assert "not a regular file" in refusal(box, tmp_path / "device.md")
    assert "directory" in refusal(box, tmp_path / "folder.md")
    assert "no such file" in refusal(box, tmp_path / "none.md")
    assert "over 20 MB" in refusal(box, tmp_path / "large.md")
    assert f"over {MAX_PACKED // 1_000_000} MB" in refusal(box, tmp_path / "large.pdf")


def test_answers_are_within_what_a_frame_may_have() -> None:
    found = Reader(load_catalog()).issue(SAMPLE.read_bytes(), ".md", "a.md")
    assert len(frames.encode(Answer(reading=found).json())) * 10 < frames.MAX_ANSWER


# What a process may say of a file


def forged(made: list[Sandbox], change: str) -> Sandbox:
    """A process that answers with the sample's issue, changed by statements on `found` (its JSON), `issue` and
    `article` (its first)."""
    answer = json.dumps(Answer(reading=Reader(load_catalog()).issue(SAMPLE.read_bytes(), ".md", "a.md")).json())
    program = f"""
        found = json.loads({answer!r}); reading = found["reading"]; issue = reading["issue"]
        issue.pop("ref"); article = issue["columns"][0]["articles"][0]; block = article["blocks"][0]
        {change}
        ready(); question(); frames.write(own, json.dumps(found).encode()); question()
    """
    return bad(made, program)


@pytest.mark.parametrize("key", ["../../../tmp/elsewhere", "a/b", "", "a b", "a\x1b[2J", "x" * 101, "a:b"])
def test_a_key_that_no_reader_makes_is_refused(made: list[Sandbox], key: str) -> None:
    assert "no sound answer" in refusal(forged(made, f"issue['bulletin'] = {key!r}"))


@pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd", "//example.com"])
def test_a_link_that_no_reader_makes_is_refused(made: list[Sandbox], href: str) -> None:
    mark = {"kind": "link", "start": 0, "end": 1, "href": href}
    assert "no sound answer" in refusal(forged(made, f"block['marks'] = [{mark!r}]"))


def test_it_does_not_say_where_a_file_came_from(made: list[Sandbox]) -> None:
    box = forged(made, "reading['source'] = 'the editor'; reading['warnings'] = ['a\\x1b\\nb' * 1000] * 1500")
    found = box.issue(SAMPLE, "a.md")
    assert found.source == "a.md"
    assert len(found.warnings) == 1001
    assert found.warnings[-1] == "500 more warnings are not kept."
    assert all(warning.isprintable() and len(warning) <= 2000 for warning in found.warnings)


def test_titles_and_names_are_lines_of_what_can_be_seen(made: list[Sandbox]) -> None:
    change = (
        r"issue['title'] = article['title'] = article['credit'] = issue['columns'][0]['name'] = 'a\u202eb\n\x1b[2J'"
    )
    issue = forged(made, change + "; article['parks'] = article['topics'] = []").issue(SAMPLE, "a.md").issue
    column = issue.columns[0]
    assert {issue.title, column.name, column.articles[0].title, column.articles[0].credit} == {"a b  [2J"}


def test_tags_that_the_catalog_does_not_have_are_dropped(made: list[Sandbox]) -> None:
    change = (
        "article['parks'] = [{'name': n, 'role': 'subject', 'evidence': []} for n in ('月球高新区', '南昌高新区')];"
        "article['topics'] = [{'key': 'all', 'name': 'x', 'score': 1.0, 'evidence': []}]"
    )
    pickup = Pickup(load_catalog(), forged(made, change), automatic=False)
    article = pickup.read(SAMPLE).issue.columns[0].articles[0]
    assert [park.name for park in article.parks] == ["南昌高新区"]
    assert not article.topics


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("issue['columns'] *= 60", "more than 100 columns"),
        ("issue['columns'][0]['articles'] = [{**article, 'blocks': []}] * 2001", "more than 2,000 articles"),
        ("article['blocks'] = [{'kind': 'item', 'text': ''}] * 50_001", "more than 50,000 paragraphs"),
        ("block['rows'] = [['', '']] * 100_001", "more than 200,000 table cells"),
        ("block['rows'] = [[]] * 200_001", "more than 200,000 table cells"),
        ("block['rows'] = [[]] * 1_000_001", "too many parts"),
        ("block['marks'] = [{'kind': 'strong', 'start': 0, 'end': 0}] * 100_001", "more than 100,000 stretches"),
        ("article['blocks'] = [{'kind': 'item', 'text': 'x' * 5_000_001}]", "more than 5,000,000 characters"),
        ("article['title'] = 'x' * 1001", "a title or name of more than 1,000 characters"),
    ],
)
def test_more_than_an_issue_can_have_is_refused(made: list[Sandbox], change: str, words: str) -> None:
    said = refusal(forged(made, change))
    assert words in said
    assert said.endswith("too much for an issue; divide it")
