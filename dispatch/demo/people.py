"""Sample subscribers: different follows, channels and preferences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber of the demo. `webhook` is a path at the demo's receiver."""

    name: str
    follows: tuple[str, ...]
    email: str = ""
    telegram: str = ""
    webhook: str = ""
    language: str = "zh"
    format: str = "full"
    bundled: bool = False


PEOPLE = (
    Person("南昌观察", ("park:南昌高新区",), email="nanchang@readers.test"),
    Person("江西科技", ("province:江西",), email="jiangxi@readers.test", telegram="5340001"),
    Person("山东园区网", ("province:山东",), email="shandong@readers.test", bundled=True),
    Person("苏州与昆山", ("park:苏州高新区", "park:昆山高新区"), telegram="5340002"),
    Person("Blockchain Weekly", ("topic:blockchain",), email="chain@readers.test", language="en"),
    Person("生物医药投资", ("topic:生物医药",), email="biomed@readers.test", webhook="/biomed"),
    Person("孵化器联盟", ("topic:创业孵化", "column:创业孵化"), telegram="-1005340003"),
    Person("揭榜挂帅小组", ("topic:揭榜挂帅",), webhook="/open-bidding"),
    Person("标准与品牌", ("topic:标准化", "topic:品牌"), email="brands@readers.test"),
    Person("人才处", ("topic:人才",), email="talent@readers.test"),
    Person("园区发展读者", ("column:园区发展",), email="parks@readers.test", format="titles"),
    Person("研究报告读者", ("column:研究报告",), telegram="5340004"),
    Person("档案室", ("all",), email="archive@readers.test", bundled=True),
    Person("Torch Watch", ("bulletin:huoju",), email="torch@readers.test", language="en"),
    Person("数据平台", ("all",), webhook="/archive"),
    Person("提到苏州也要", ("park:苏州高新区+mentions",), telegram="5340005"),
    Person("深圳没有新闻", ("park:深圳高新区",), email="shenzhen@readers.test"),
    Person("已经退订", ("all",), email="left@readers.test"),
)

# Those who have left by the time the issue goes out: they must get nothing.
LEFT = ("已经退订",)
