"""The services of workplace robots on the loopback interface, one class each: they take and refuse as the real ones do,
with their limits in bytes and messages a minute, their signatures, and errors inside of HTTP 200.

async with WeComService() as wecom:
    ...                                # post to wecom.url()
    [post] = await wecom.posts.reached(1)
    wecom.refuse(45009, times=1)       # the next one is throttled
    wecom.remove(wecom.key)            # and now the robot is gone
"""

from dispatch.testing.robots.dingtalk import DingTalkService
from dispatch.testing.robots.discord import DiscordService
from dispatch.testing.robots.feishu import FeishuService
from dispatch.testing.robots.service import Post, RobotService
from dispatch.testing.robots.slack import SlackService
from dispatch.testing.robots.teams import TeamsService
from dispatch.testing.robots.wecom import WeComService

__all__ = [
    "DingTalkService",
    "DiscordService",
    "FeishuService",
    "Post",
    "RobotService",
    "SlackService",
    "TeamsService",
    "WeComService",
]
