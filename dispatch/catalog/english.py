"""Names in English: how they are compared, and those of the provinces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dispatch.catalog.words import fold, province_short

PROVINCES: Mapping[str, str] = MappingProxyType(
    {
        "北京市": "Beijing",
        "天津市": "Tianjin",
        "河北省": "Hebei",
        "山西省": "Shanxi",
        "内蒙古自治区": "Inner Mongolia",
        "辽宁省": "Liaoning",
        "吉林省": "Jilin",
        "黑龙江省": "Heilongjiang",
        "上海市": "Shanghai",
        "江苏省": "Jiangsu",
        "浙江省": "Zhejiang",
        "安徽省": "Anhui",
        "福建省": "Fujian",
        "江西省": "Jiangxi",
        "山东省": "Shandong",
        "河南省": "Henan",
        "湖北省": "Hubei",
        "湖南省": "Hunan",
        "广东省": "Guangdong",
        "广西壮族自治区": "Guangxi",
        "海南省": "Hainan",
        "重庆市": "Chongqing",
        "四川省": "Sichuan",
        "贵州省": "Guizhou",
        "云南省": "Yunnan",
        "西藏自治区": "Tibet",
        "陕西省": "Shaanxi",
        "甘肃省": "Gansu",
        "青海省": "Qinghai",
        "宁夏回族自治区": "Ningxia",
        "新疆维吾尔自治区": "Xinjiang",
        "台湾省": "Taiwan",
    }
)
_HIGH_TECH = re.compile(r"\b(?:new\s+(?:and|&)?\s*)?hi(?:gh)?[\s-]*(?:tech(?:nology)?|and[\s-]+new[\s-]+tech\w*)\b")
_ZONE = re.compile(
    r"\bhightech(?:\s+industr(?:y|ies|ial))?(?:\s+development)?(?:\s+(?:zone|park|area|district))?(?=\s*(?:\(|$))"
)
_RANK = re.compile(r"\bnational\s+(?=hightech\b)")
_ALL_OF = re.compile(r"\ball\s+hightech\s+zones\s+in\s+")


def province_name(province: str) -> str:
    """江西省 -> Jiangxi; the Chinese short name where no English one is known."""
    return PROVINCES.get(province) or province_short(province)


def plain(name: str) -> str:
    """A name in small letters without marks, and with high-tech zone written in one way: `nanchang hightech` for
    Nanchang National Hi-Tech Industrial Development Zone, `xian hightech` for Xi'an High-tech Zone. Words are parted by
    one blank; Chinese stays as it is."""
    words = re.sub(r"['’‘`´]", "", fold(name))
    words = _RANK.sub("", _HIGH_TECH.sub("hightech", words))
    words = _ZONE.sub("hightech", _ALL_OF.sub("", words))
    return " ".join(re.sub(r"[^\w]+", " ", words).split())


def key(name: str) -> str:
    """What names that mean the same have in common; "" for one that is not written in English."""
    found = plain(name).replace(" ", "")
    return found if found.isascii() else ""
