"""What a template asks for and makes, as CloudFormation sums it up, and whether the administrator lets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apono_operator.state.finding import Refusal
from apono_operator.state.management_accounts import SETTING, ManagementAccount
from apono_operator.v1alpha1 import Reason


@dataclass(frozen=True)
class TemplateSummary:
    """A template, summed up.

    Attributes:
        parameters: By name, whether a value has to be given: there is no default.
        capabilities: What has to be acknowledged.
        resource_types: The types of what it makes, each once.
        transforms: Macros that rewrite it before it is used: what they make of it is not summed up.
    """

    parameters: Mapping[str, bool]
    capabilities: tuple[str, ...]
    resource_types: tuple[str, ...]
    transforms: tuple[str, ...]


def template_refusal(summary: TemplateSummary, account: ManagementAccount) -> Refusal | None:
    """Return why a template that is not ours may not be used in *account*, None if it may."""
    refused = ", ".join(_outside(summary, account))
    if not refused:
        return None
    return Refusal(
        Reason.NOT_PERMITTED,
        f"the template of the management account has {refused}, which the administrator of the operator does not allow "
        f"(allowedResourceTypes, allowedCapabilities; {SETTING}).",
    )


def _outside(summary: TemplateSummary, account: ManagementAccount) -> Iterator[str]:
    for name in summary.transforms:
        yield f"the transform {name}"
    for name in summary.resource_types:
        if name not in account.allowed_resource_types:
            yield f"resources {name}"
    for name in summary.capabilities:
        if name not in account.allowed_capabilities:
            yield f"the capability {name}"
