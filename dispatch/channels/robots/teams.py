"""Microsoft Teams: a workflow that posts to a channel or chat when it gets a request
(https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498).

A workflow says that it has begun (202), and not whether Teams took what it posts: a card that is too large, or one
among too many, is lost without a word to us. So these messages stay well below the limits.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch.channels.robots.base import (
    REASONS_BYTES,
    Body,
    Error,
    Robot,
    is_of,
    printable,
    query_of,
    said,
    throttled,
    told,
)
from dispatch.channels.robots.markdown import plain
from dispatch.channels.robots.pieces import messages, pieces
from dispatch.channels.webhook.outcome import of_answer
from dispatch.errors import RenderError, UsageError
from dispatch.model import Outcome, Retry, Sent

if TYPE_CHECKING:
    from dispatch.channels.webhook.transport import Answer

MAX_BYTES = 28_672
ENVELOPE_BYTES = 1_000
"""Kept for what Teams adds to a card before it measures the message."""

ACCEPTED = "accepted by the workflow; whether it posts is not told"

_TEXT = 2_000  # characters of a text that stay together: about half a card
_ESCAPED_REASONS = 4 * REASONS_BYTES  # as `stored` counts them: at most 14 bytes for 4
_RETIRED = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")
_NEW = "make a new workflow"
_RESUME = "and resume the endpoint"
_ANYONE = 'let "Anyone" trigger the workflow, and add the endpoint anew with its new address'
_ERRORS = {
    "WorkflowTriggerIsNotEnabled": Error(
        "the workflow is switched off", endpoint_state="paused", do=f"switch it on, {_RESUME}"
    ),
    "WorkflowNotFound": Error("the workflow does not exist any more", endpoint_state="gone", do=_NEW),
    "WorkflowTriggerNotFound": Error("the workflow has no such trigger any more", endpoint_state="gone", do=_NEW),
    "DirectApiAuthorizationRequired": Error(
        "the workflow asks for a log-in, or the address has lost its sig=", endpoint_state="paused", do=_ANYONE
    ),
    "TriggerInputSchemaMismatch": Error(
        "the workflow wants another form of message",
        endpoint_state="paused",
        do=f'take the template "Send webhook alerts to a channel", {_RESUME}',
    ),
}
_DELETED = Error("the workflow was deleted", endpoint_state="gone", do=_NEW)
_STATUSES = {
    400: Error("the workflow refuses the form of the message"),
    401: Error(
        "the workflow refuses the signature in its address", endpoint_state="paused", do="give it the address of now"
    ),
    403: Error("the workflow may not be triggered from here", endpoint_state="paused", do=_ANYONE),
    404: Error("there is no workflow at this address", retry=True, do=_NEW),
    410: Error("the workflow does not exist any more", endpoint_state="paused", do=_NEW),
    413: Error("the workflow refuses the message as too large"),
}
_REST = 60.0  # seconds, where nothing says how long
_CONNECTOR_FAILED = "returned HTTP error"  # in an answer of 200, as the connectors of old gave it


class Teams(Robot):
    """An Adaptive Card in the envelope that the templates of Workflows want."""

    name = "teams"
    title = "Microsoft Teams"
    hosts = (".logic.azure.com", ".environment.api.powerplatform.com", ".powerautomate.com", *_RETIRED)
    interval = 1.0
    example = (
        "https://default0f1e2d3c4b5a69788796a5b4c3d2e1.f0.environment.api.powerplatform.com/powerautomate/automations/"
        "direct/workflows/0f1e2d3c4b5a69788796a5b4c3d2e1f0/triggers/manual/paths/invoke"
        "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"
    )

    @classmethod
    def check(cls, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if is_of(host, _RETIRED):
            raise UsageError(
                "connectors of Office 365 were retired, and this is the address of one: make a workflow in Teams"
                f' ("Send webhook alerts to a channel") and take its address, as in {cls.example}'
            )
        if not query_of(url).get("sig"):
            raise UsageError(
                "the address of a workflow for Teams ends in &sig=…; where it has none, only people who log in may"
                f' trigger the workflow: let "Anyone" do so and copy the address again, as in {cls.example}'
            )

    @property
    def template(self) -> str:
        return "teams/card.json.j2"

    def escape(self, text: str) -> str:
        return plain(text)

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        try:
            made: dict[str, Any] = json.loads(text)
            elements, end, actions = list(_cut(made["body"])), list(made["end"]), list(made["actions"])
        except (ValueError, LookupError, TypeError) as error:
            raise RenderError(f"template {self.template} makes no card: {error!r}") from error
        title = str(post["mark"]) + str(post["title"])
        found = messages(
            elements, lambda some: self.fits(_message(_card(title, 2, [*some, *end], actions))), _binds
        ) or [[]]
        found[-1] += end
        cards = [_card(title, number, some, []) for number, some in enumerate(found, 1)]
        cards[-1] |= {"actions": actions} if actions else {}
        return [_message(card) for card in cards]

    def fits(self, body: Body) -> bool:
        return stored(body) + _ESCAPED_REASONS + ENVELOPE_BYTES <= MAX_BYTES

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        if answer.status in (200, 202):
            words = said(answer)
            if _CONNECTOR_FAILED in words:
                return Retry(f"Teams refused the message: {words}", str(answer.status), after=_REST, whole_address=True)
            return Sent(code=str(answer.status), detail=ACCEPTED)
        if answer.status == 429:
            return throttled(answer, "too many messages to this workflow", _REST, now)
        if not 400 <= answer.status < 500:
            return of_answer(answer, now)
        code, message = _told(answer)
        error = _DELETED if _is_deleted(code, message) else _ERRORS.get(code) or _STATUSES.get(answer.status)
        return error.outcome(str(answer.status), printable(f"{code} {message}")) if error else of_answer(answer, now)

    def provider_id(self, answer: Answer) -> str:
        """The run of the workflow: whoever owns it finds there what became of the message."""
        return printable(answer.headers.get("x-ms-workflow-run-id", ""))[:80]


def stored(body: Body) -> int:
    """Bytes of a message as Teams may count them. It keeps cards as JSON within JSON (24,453 bytes posted were measured
    as 28,897: https://github.com/MicrosoftDocs/msteams-docs/issues/11274), and does not say whether Chinese characters
    are escaped in it: here they are."""
    return len(json.dumps(json.dumps(body)))


def _card(title: str, number: int, elements: Sequence[Body], actions: Sequence[Body]) -> dict[str, Any]:
    shown = plain(title) if number == 1 else f"{plain(title)}（{number}）"
    head = {"type": "TextBlock", "text": shown, "size": "Large", "weight": "Bolder", "wrap": True, "style": "heading"}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": shown,
        "body": [head, *({key: value for key, value in one.items() if key != "binds"} for one in elements)],
    }
    return {**card, "actions": list(actions)} if actions else card


def _message(card: Body) -> Body:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _cut(elements: Sequence[Body]) -> Iterator[Body]:
    """The elements, each text that is too long as several."""
    for element in elements:
        first, *others = pieces(element["text"], _TEXT)
        yield {**element, "text": first}
        for other in others:
            yield {**element, "text": other, "spacing": "None", "separator": False}


def _binds(element: Body) -> bool:
    return bool(element.get("binds"))


def _told(answer: Answer) -> tuple[str, str]:
    """The code and the words of a refusal by the Power Platform."""
    found = told(answer).get("error")
    if isinstance(found, dict):
        return str(found.get("code", "")), str(found.get("message", ""))
    return "", said(answer)


def _is_deleted(code: str, message: str) -> bool:
    return code == "WorkflowTriggerIsNotEnabled" and "'Deleted'" in message
