"""DKIM signatures, judged by those who know nothing of this program: dkimpy and OpenDKIM."""

from __future__ import annotations

import base64
import email.header
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dkim as dkimpy  # type: ignore[import-untyped] # it ships no types
import dkim.canonicalization as theirs  # type: ignore[import-untyped] # the same
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from dispatch.channels.email.dkim import Signer, SigningKey, body_hash, relaxed_body, relaxed_fields
from dispatch.channels.email.headers import unstructured

RSA = SigningKey("bulletin.example", "r1", rsa.generate_private_key(65537, 2048))
ED25519 = SigningKey("bulletin.example", "e1", Ed25519PrivateKey.generate())
RECORDS = {key.record_name: key.record for key in (RSA, ED25519)}
NOW = 1_700_000_000

SUBJECT = "火炬中心 2022 年第 5 期：国家高新区建设与发展，创新驱动与高质量发展的新进展和新经验"
HEAD = (
    "From: =?utf-8?b?54Gr54Ks?=\r\n <news@bulletin.example>\r\n"
    "To: reader@example.org\r\n"
    f"{unstructured('Subject', SUBJECT)}\r\n"
    "Date: Mon, 23 Nov 2026 15:30:43 +0000\r\n"
    "Message-ID: <0123456789abcdef@bulletin.example>\r\n"
    "Reply-To: office@bulletin.example\r\n"
    "List-Id: <huoju.bulletin.example>\r\n"
    "List-Unsubscribe: <https://bulletin.example/u/0123456789>,\r\n <mailto:leave@bulletin.example>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Precedence: bulk\r\n"
    "Auto-Submitted: auto-generated\r\n"
    "Feedback-ID: 534:digest:huoju\r\n"
    "References: <issue-534@bulletin.example>\r\n"
    "Content-Language: zh-CN\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative;\r\n\tboundary="=_b"\r\n'
).encode()
BODY = (
    b"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes("国家高新区".encode() * 40).replace(b"\n", b"\r\n")
    + b"\r\n--=_b--\r\n"
)


def signed(*keys: SigningKey, head: bytes = HEAD, body: bytes = BODY) -> bytes:
    """The whole message."""
    return Signer(keys, lambda: NOW).sign(head, body_hash(body)) + head + b"\r\n" + body


class VerifyKey:
    """The part of PyNaCl that dkimpy asks for, by cryptography: dkimpy knows Ed25519 by PyNaCl alone."""

    def __init__(self, public: bytes, encoder: object) -> None:
        self._public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))

    def verify(self, digest: bytes, signature: bytes) -> bytes:
        self._public.verify(signature, digest)
        return digest


@pytest.fixture(autouse=True)
def nacl(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(dkimpy, "nacl"):
        stand_in = SimpleNamespace(
            signing=SimpleNamespace(VerifyKey=VerifyKey),
            encoding=SimpleNamespace(Base64Encoder=None),
            exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
        )
        monkeypatch.setattr(dkimpy, "nacl", stand_in, raising=False)


def verified_by_dkimpy(message: bytes, count: int = 1) -> list[bool]:
    """What dkimpy says of the first `count` signatures."""
    asked = dkimpy.DKIM(message)

    def record(name: bytes, timeout: int = 5) -> bytes:
        return RECORDS[name.decode().rstrip(".")].encode()

    def verdict(place: int) -> bool:
        try:
            return bool(asked.verify(place, dnsfunc=record))
        except dkimpy.DKIMException:
            return False

    return [verdict(place) for place in range(count)]


@pytest.fixture
def opendkim(tmp_path: Path) -> Callable[[bytes], str]:
    """What OpenDKIM finds in a message, as it would say in Authentication-Results."""
    program = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("opendkim is not installed (Debian: apt install opendkim)")
    keys, config, file = tmp_path / "keys", tmp_path / "opendkim.conf", tmp_path / "message.eml"
    keys.write_text("".join(f"{name} {record}\n" for name, record in RECORDS.items()), encoding="ascii")
    config.write_text(f"Mode\tv\nTestPublicKeys\t{keys}\n", encoding="utf-8")

    def verify(message: bytes) -> str:
        file.write_bytes(message)
        done = subprocess.run(
            [program, "-x", str(config), "-t", str(file), "-v", "-v"], capture_output=True, text=True, timeout=60
        )
        return done.stdout + done.stderr

    return verify


@pytest.mark.parametrize("keys", [(RSA,), (ED25519,), (RSA, ED25519)], ids=["rsa", "ed25519", "both"])
def test_what_is_signed_is_verified(keys: tuple[SigningKey, ...], opendkim: Callable[[bytes], str]) -> None:
    message = signed(*keys)
    assert verified_by_dkimpy(message, len(keys)) == [True] * len(keys)
    said = opendkim(message)
    for key in keys:
        assert f"header.a={key.algorithm} header.s={key.selector}" in said
    assert said.count("dkim=pass") == len(keys), said
    assert "dkim=fail" not in said


CHANGES = [
    (b"MIME-Version: 1.0", b"MIME-Version: 2.0"),
    (b"One-Click", b"Two-Clicks"),
    (b"List-Id: <huoju", b"List-Id: <other"),
    (b"534:digest", b"535:digest"),
    (b"reader@example.org", b"other@example.org"),
    (BODY[-40:-20], b"x" * 20),
    (b"\r\nTo: ", b"\r\nFrom: other@bulletin.example\r\nTo: "),
    (b"\r\nTo: ", b"\r\nSubject: another\r\nTo: "),
    (b"\r\nTo: ", b"\r\nTo: another@example.org\r\nTo: "),
    (b"\r\nTo: ", b"\r\nCc: another@example.org\r\nTo: "),
    (b"\r\nTo: ", b"\r\nDate: Mon, 23 Nov 2026 15:30:44 +0000\r\nTo: "),
    (b"\r\nTo: ", b"\r\nContent-Type: text/html\r\nTo: "),
    (b"\r\nTo: ", b"\r\nList-Unsubscribe: <https://elsewhere.example/>\r\nTo: "),
    (b"t=1700000000", b"t=1700000001"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_what_was_changed_or_added_is_found(old: bytes, new: bytes, opendkim: Callable[[bytes], str]) -> None:
    message = signed(RSA, ED25519)
    assert old in message
    changed = message.replace(old, new)
    assert verified_by_dkimpy(changed, 2) == [False, False]
    assert "dkim=pass" not in opendkim(changed)


def test_spaces_and_folds_on_the_way_do_no_harm(opendkim: Callable[[bytes], str]) -> None:
    message = signed(RSA, ED25519)
    moved = message.replace(b"\r\nTo: reader", b"\r\nTO:\t\r\n  reader").replace(b"; charset", b";   charset")
    assert moved != message
    assert verified_by_dkimpy(moved + b"\r\n\r\n", 2) == [True, True]
    assert opendkim(moved + b"\r\n\r\n").count("dkim=pass") == 2


names = st.sampled_from(
    [
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "Received",
        "List-Id",
        "List-Unsubscribe",
        "References",
        "X-Own",
        "Sender",
    ]
)
words = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12), max_size=6)
gaps = st.sampled_from([" ", "  ", "\t", "\r\n ", " \r\n\t", "\t \t"])


@st.composite
def fields(draw: st.DrawFn) -> bytes:
    """Header fields in any order and number, folded anyhow, with encoded words, of which one is From."""
    lines = [f"{draw(names)}:{draw(gaps)}{draw(gaps).join(draw(words)) or 'x'}" for _ in range(draw(st.integers(0, 8)))]
    chinese = email.header.Header(draw(st.text("国家高新区 火炬", max_size=60)), "utf-8").encode(linesep="\r\n")
    lines += [f"Subject: {chinese}", "From: a@bulletin.example"]
    return "".join(f"{line}\r\n" for line in draw(st.permutations(lines))).encode()


@given(fields(), st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"b  c", b".", b"\r\n\r\n"])).map(b"".join))
def test_any_header_and_body_is_verified(head: bytes, text: bytes) -> None:
    message = signed(RSA, head=head, body=text + b"\r\n")
    assert verified_by_dkimpy(message) == [True]


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"\xe5\x9b\xbd", b"   ", b"=", b"."])).map(b"".join))
def test_a_body_is_relaxed_as_dkimpy_does_it(text: bytes) -> None:
    body = text + b"\r\n"
    assert relaxed_body(body) == theirs.Relaxed.canonicalize_body(body)


@given(names, gaps, words, gaps)
def test_a_field_is_relaxed_as_dkimpy_does_it(name: str, before: str, said: list[str], gap: str) -> None:
    value = (before + gap.join(said) + gap.replace("\r\n", "")).encode()
    [(their_name, their_value)] = theirs.Relaxed.canonicalize_headers([(name.encode(), value + b"\r\n")])
    field = name.encode() + b" :" + value + b"\r\n"
    assert relaxed_fields(field * 2) == [(their_name, their_value.removesuffix(b"\r\n"))] * 2


@pytest.mark.parametrize(
    ("body", "relaxed"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b" \t\r\n\r\n", b""),
        (b"a", b"a\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376, 3.4.5
        (b"a " * 3, b"a a a\r\n"),
    ],
)
def test_the_ends_of_bodies(body: bytes, relaxed: bytes) -> None:
    assert relaxed_body(body) == relaxed


def test_a_very_long_run_of_spaces_takes_no_longer_than_its_length() -> None:
    body = b" " * 3_000_000 + b"x\r\n"
    assert relaxed_body(body) == b" x\r\n"


def test_how_a_signature_is_written() -> None:
    field = Signer([RSA, ED25519], lambda: NOW).sign(HEAD, body_hash(BODY))
    lines = field.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) < 78
    first, second = ("DKIM-Signature:" + text for text in field.decode().split("DKIM-Signature:")[1:])
    tags = _tags(first)
    assert {name: tags[name] for name in ("v", "a", "c", "d", "s", "t")} == {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "bulletin.example", "s": "r1", "t": str(NOW),
    }  # fmt: skip
    assert not {"x", "l", "z"} & set(tags)
    listed = tags["h"].split(":")
    present = [line.partition(":")[0].lower() for line in HEAD.decode().split("\r\n") if line[:1].isalpha()]
    assert set(present) <= set(listed)
    assert {name for name in listed if listed.count(name) > present.count(name)} >= {
        *("from", "to", "subject", "date", "reply-to", "message-id", "list-unsubscribe", "content-type")
    }
    assert _tags(second)["a"] == "ed25519-sha256"


def _tags(field: str) -> dict[str, str]:
    value = "".join(field.partition(":")[2].split())
    return dict(tag.split("=", 1) for tag in value.split(";"))


def test_another_order_and_other_fields_have_lists_of_their_own() -> None:
    signer = Signer([RSA], lambda: NOW)
    heads = [b"From: a@b\r\nTo: c@d\r\n", b"To: c@d\r\nFrom: a@b\r\n", b"From: a@b\r\nTo: c@d\r\nTo: e@f\r\nX-A: b\r\n"]
    for _ in range(2):  # the second time from what is remembered
        for head in heads:
            message = signer.sign(head, body_hash(BODY)) + head + b"\r\n" + BODY
            assert verified_by_dkimpy(message) == [True]


def test_the_test_message_of_rfc_8463_has_the_key_of_rfc_8463() -> None:
    """RFC 8463, appendix A: the private key, and the record that belongs to it."""
    seed = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = SigningKey("football.example.com", "brisbane", Ed25519PrivateKey.from_private_bytes(seed))
    assert key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert key.record_name == "brisbane._domainkey.football.example.com"


def test_what_cannot_be_signed_is_refused() -> None:
    with pytest.raises(ValueError, match="From"):
        Signer([RSA]).sign(b"To: a@b\r\n", body_hash(b""))
    with pytest.raises(ValueError, match="no key"):
        Signer([])
    with pytest.raises(ValueError, match="1024 bits"):
        SigningKey("a.example", "s", rsa.generate_private_key(65537, 1024))


def test_a_longer_key_signs_too() -> None:
    key = SigningKey("bulletin.example", "r3", rsa.generate_private_key(65537, 3072))
    RECORDS[key.record_name] = key.record
    try:
        assert verified_by_dkimpy(signed(key)) == [True]
    finally:
        del RECORDS[key.record_name]


def test_no_key_is_shown() -> None:
    private: Any = RSA.private
    number = str(private.private_numbers().d)
    assert "private" not in repr(RSA)
    assert number not in repr(RSA) + repr(Signer([RSA]))


def test_a_key_goes_to_another_process_and_back() -> None:
    for key in (RSA, ED25519):
        again = SigningKey.unpack(*key.pack())
        assert (again.record_name, again.record, again.algorithm) == (key.record_name, key.record, key.algorithm)
