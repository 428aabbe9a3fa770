"""Names, labels and amounts of Kubernetes, in the form in which its API server takes them.

Source: Kubernetes documentation, "Object Names and IDs", "Labels and Selectors", "Annotations", "Quantity".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from apono_operator.v1alpha1.schema import Rule

DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
LABEL_KEY = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"

PREFIX_LIMIT = 253
KEY_LIMIT = PREFIX_LIMIT + len("/") + 63

OWN_METADATA = ("apono.io/", "app.kubernetes.io/", "eks.amazonaws.com/", "argocd.argoproj.io/")
"""Prefixes of keys that the operator, or who deploys it, writes on pods."""


def _is_key(text: str) -> bool:
    return text.find("/") <= PREFIX_LIMIT and re.fullmatch(LABEL_KEY, text) is not None


def _all_are_keys(entries: Mapping[str, str]) -> bool:
    return all(map(_is_key, entries))


def _none_is_ours(entries: Mapping[str, str]) -> bool:
    return not any(key.startswith(OWN_METADATA) for key in entries)


def foreign_to_the_operator(what: str) -> Rule:
    """Return the rule that *what* ("labels") of `OWN_METADATA` are not for users to write."""
    condition = " || ".join(f"k.startsWith('{prefix}')" for prefix in OWN_METADATA)
    names = ", ".join(f"{prefix}*" for prefix in OWN_METADATA)
    return Rule(
        f"!self.exists(k, {condition})", f"{what} of {names} are set by the operator: remove them", _none_is_ours
    )


METADATA_KEYS = Rule(
    f"self.all(k, k.indexOf('/') <= {PREFIX_LIMIT} && k.matches(r'{LABEL_KEY}'))",
    f"keys must be label keys: an optional DNS prefix of up to {PREFIX_LIMIT} characters and a slash, "
    "then up to 63 letters, digits, '-', '_' or '.'",
    _all_are_keys,
)
_KEY_PREFIX = Rule(
    f"self.indexOf('/') <= {PREFIX_LIMIT}",
    f"the prefix before the slash has more than {PREFIX_LIMIT} characters: shorten it",
    _is_key,
)

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
LabelKey = Annotated[str, Field(min_length=1, max_length=KEY_LIMIT, pattern=LABEL_KEY), _KEY_PREFIX]
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]
AnnotationValue = Annotated[str, Field(max_length=4096)]
Quantity = Annotated[
    str,
    Field(
        description="An amount as Kubernetes writes it, for example 500m or 1Gi.",
        min_length=1,
        max_length=32,
        pattern=QUANTITY,
    ),
]
