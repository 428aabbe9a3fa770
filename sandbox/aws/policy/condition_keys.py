"""The condition keys that requests are given here, or that are known to be absent from all of them.

Another key in a condition that is to be evaluated is refused by name: its absence would silently make the condition
false, or, negated, true.

Sources: IAM User Guide, "AWS global condition context keys" and "IAM and AWS STS condition context keys"; Service
Authorization Reference, "AWS Identity and Access Management", "AWS Security Token Service", "AWS CloudFormation" and
"AWS Organizations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.aws.errors import not_modelled

_KNOWN: Final = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltype",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:tagkeys",
    "aws:userid",
    "cloudformation:changesetname",
    "cloudformation:createaction",
    "cloudformation:resourcetypes",
    "cloudformation:rolearn",
    "cloudformation:stackpolicyurl",
    "cloudformation:targetregion",
    "cloudformation:templateurl",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "organizations:serviceprincipal",
    "sts:externalid",
    "sts:rolesessionname",
}
_KNOWN_FAMILY: Final = re.compile(r"(?:aws:(?:request|resource|principal)tag|iam:resourcetag)/.+|.+:(?:sub|aud)")

Condition = Mapping[str, Mapping[str, Any]]


def check_known(condition: Condition, present: Mapping[str, object]) -> None:
    """Refuse a condition whose outcome here would be chance.

    Args:
        condition: The block of a statement.
        present: The keys of the request, in lower case; they are known in any case.

    Raises:
        AwsError: `NotModelled`, naming the key.
    """
    for key in _keys(condition):
        name = key.lower()
        if name not in present and name not in _KNOWN and not _KNOWN_FAMILY.fullmatch(name):
            raise not_modelled(f"condition key {key}")


def _keys(condition: Condition) -> Iterator[str]:
    for block in condition.values():
        yield from block
