"""What somebody is in a chat (Bot API, `ChatMember`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dispatch.testing.telegram.calls import Json

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.users import User

Status = Literal["creator", "administrator", "member", "restricted", "left", "kicked"]
PRESENT: frozenset[Status] = frozenset({"creator", "administrator", "member", "restricted"})

_ADMIN_RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
    "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
    "can_send_welcome_messages",
)  # fmt: skip
_CHANNEL_RIGHTS = ("can_post_messages", "can_edit_messages")
_GROUP_RIGHTS = ("can_pin_messages", "can_manage_topics")
_SENDING = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews",
)  # fmt: skip
_OTHER = ("can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics", "can_edit_tag",
          "can_react_to_messages")  # fmt: skip


@dataclass(slots=True)
class Member:
    """A user or bot in a chat. `denied` are rights that an administrator lacks (`can_post_messages`)."""

    who: User | BotAccount
    status: Status
    anonymous: bool = False
    can_send: bool = True
    denied: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_admin(self) -> bool:
        return self.status in ("creator", "administrator")

    @property
    def is_present(self) -> bool:
        return self.status in PRESENT

    def may(self, right: str) -> bool:
        """Whether it is an administrator with this right."""
        return self.status == "creator" or (self.status == "administrator" and right not in self.denied)

    def json(self, *, channel: bool) -> Json:
        body: Json = {"user": self.who.json(), "status": self.status}
        match self.status:
            case "creator":
                body["is_anonymous"] = self.anonymous
            case "administrator":
                rights = _ADMIN_RIGHTS + (_CHANNEL_RIGHTS if channel else _GROUP_RIGHTS)
                body |= {right: self.may(right) for right in rights}
                body |= {"is_anonymous": self.anonymous, "can_be_edited": False}
            case "restricted":
                body |= dict.fromkeys(_SENDING, self.can_send) | dict.fromkeys(_OTHER, False)
                body |= {"is_member": True, "until_date": 0}
            case "kicked":
                body["until_date"] = 0
        return body
