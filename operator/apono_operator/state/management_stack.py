"""The stack of one connector in its organization's management account, and whether the role in it is of use.

Sources: CloudFormation API reference, ``CreateChangeSet``; IAM User Guide, "AWS JSON policy elements: Principal" and
"AWS global condition context keys".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from apono_operator.state.desired import connector_id
from apono_operator.state.finding import Finding, Refusal, stuck, waits
from apono_operator.state.management_accounts import CONNECTOR_ROLE_PREFIX, ManagementAccount
from apono_operator.state.resources import Cluster, IamRole, Owner
from apono_operator.state.stack import TEMPLATE_TAG, ObservedStack, Stack, Template
from apono_operator.state.template_summary import TemplateSummary, template_refusal
from apono_operator.v1alpha1 import AponoConnectorSpec, PermissionSet, Reason

_ROLE_NAME = re.compile(rf"{CONNECTOR_ROLE_PREFIX}[\w+=,.@-]{{1,58}}", re.ASCII)
_UNIQUE_ID = re.compile(r"AROA[A-Z0-9]+")
_ASSUMING = "sts:assumerole"
_SET, _BOUNDARY = "Permissions", "PermissionsBoundaryArn"


@dataclass(frozen=True)
class StackInputs:
    """All that a management-account stack depends on, but for its template.

    Attributes:
        spec: Of mode Organization, and admitted: *account* has a boundary for its permission set.
        owner: The connector.
        cluster: Where the connector's own role is.
        account: Where the stack belongs.
    """

    spec: AponoConnectorSpec
    owner: Owner
    cluster: Cluster
    account: ManagementAccount

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the operator can fill in; two spellings of the unit are in use."""
        target, permissions = self.spec.target, self.spec.permissions
        unit = target.organization_unit_id or ""
        return {
            "AponoConnectorId": connector_id(self.spec, self.owner),
            "ConnectorRoleArn": self.cluster.role_arn(self.owner),
            "OrganizationId": target.organization_id or "",
            "OrganizationUnitId": unit,
            "OrganizationalUnitId": unit,
            _SET: permissions.value,
            _BOUNDARY: self.account.permissions_boundaries[permissions],
            "ManagementRoleName": self.cluster.management_role_name(self.owner),
            "MemberTemplateUrl": self.account.member_template_url or "",
            "MemberRoleName": self.cluster.member_role_name(self.owner),
        }


def management_stack(inputs: StackInputs, template: Template, summary: TemplateSummary) -> Stack | Refusal:
    """Return the stack as it should be, or why *template* cannot be used for it.

    Of what the operator can fill in, the template is given what it declares.

    Args:
        inputs: What the stack is for.
        template: What it is made of.
        summary: What the template declares, as CloudFormation sums it up.
    """
    known = inputs.parameters
    lacking = sorted(name for name, is_required in summary.parameters.items() if is_required and name not in known)
    refused = template_refusal(summary, inputs.account) or (_parameters_missing(lacking, known) if lacking else None)
    if refused:
        return refused
    return Stack(
        name=inputs.cluster.stack_name(inputs.owner),
        account_id=inputs.account.account_id,
        region=inputs.account.region,
        template=template,
        parameters={name: value for name, value in known.items() if name in summary.parameters},
        capabilities=summary.capabilities,
        service_role_arn=inputs.account.cloud_formation_role_arn,
        tags={**inputs.cluster.ownership_tags(inputs.owner), TEMPLATE_TAG: template.digest},
    )


def stricter_boundary(observed: ObservedStack, account: ManagementAccount) -> str | None:
    """Return the boundary that the role of *observed* is to have as the administrator wants it now, None if it has it.

    It is that of the permission set that the stack was made for; if there is none any more, the only one that is left.
    Stacks of templates that take no boundary have none to be given.
    """
    boundaries = account.permissions_boundaries
    asked = next((one for one in PermissionSet if one.value == observed.parameters.get(_SET)), None)
    suitable = boundaries.get(asked) if asked else None
    boundary = suitable or boundaries.get(PermissionSet.READ_ONLY) or next(iter(boundaries.values()), None)
    return None if observed.parameters.get(_BOUNDARY, boundary) == boundary else boundary


def contained_stack(
    observed: ObservedStack, boundary: str, account: ManagementAccount, template: Template, summary: TemplateSummary
) -> Stack:
    """Return *observed* as it should be, were *boundary* all that is asked for.

    Args:
        observed: A stack whose template takes a boundary.
        boundary: ARN of the role's permissions boundary.
        account: Where the stack is.
        template: What it is made of now.
        summary: What the template declares, as CloudFormation sums it up.
    """
    parameters = {**observed.parameters, _BOUNDARY: boundary}
    return Stack(
        name=observed.name,
        account_id=account.account_id,
        region=account.region,
        template=template,
        parameters={name: value for name, value in parameters.items() if name in summary.parameters},
        capabilities=summary.capabilities,
        service_role_arn=account.cloud_formation_role_arn,
        tags={**observed.tags, TEMPLATE_TAG: template.digest},
    )


def unit_of(parameters: Mapping[str, str]) -> str:
    """Return the unit among a stack's parameters, in either spelling; empty if there is none."""
    return parameters.get("OrganizationUnitId") or parameters.get("OrganizationalUnitId") or ""


def management_role_arn_finding(account: ManagementAccount, role_arn: str) -> Finding | None:
    """Return why a connector cannot use the role that a stack in *account* tells of, None if it may be of use.

    Connectors may assume ``role/apono-*``, which have no path.
    """
    prefix = f"arn:{account.partition}:iam::{account.account_id}:role/"
    if role_arn.startswith(prefix) and _ROLE_NAME.fullmatch(role_arn.removeprefix(prefix)):
        return None
    return stuck(
        Reason.MANAGEMENT_ROLE_UNUSABLE,
        f"the stack tells of the role {role_arn}. Use a template whose role is in the management account, has a name "
        f"that begins with {CONNECTOR_ROLE_PREFIX}, and has no path: connectors may assume no others.",
    )


def management_role_finding(
    inputs: StackInputs, role_arn: str, role: IamRole | None, connector_role_id: str | None
) -> Finding | None:
    """Return why the connector cannot use the role in the management account, None if it can.

    Args:
        inputs: What the stack is for.
        role_arn: The role's ARN as the stack tells it.
        role: The role as IAM shows it; None if it does not.
        connector_role_id: The unique id (``AROA…``) of the connector's own role, None if nobody knows it.
    """
    if role is None:
        return waits(
            Reason.MANAGEMENT_ROLE_UNUSABLE,
            f"IAM does not show the role {role_arn}, which the stack tells of. If it stays so, somebody deleted it, "
            "and the operator has CloudFormation make it again, unless spec.suspend is true or spec.driftPolicy is "
            "Report. To have the stack made anew, delete it.",
        )
    return _boundary_finding(inputs, role) or _trust_finding(inputs, role, connector_role_id)


def _parameters_missing(names: list[str], known: Mapping[str, str]) -> Refusal:
    return Refusal(
        Reason.PARAMETERS_MISSING,
        f"the template of the management account asks for {', '.join(names)}, which the operator cannot fill in. Give "
        f"these parameters defaults, or use the operator's template. It fills in: {', '.join(known)}.",
    )


def _boundary_finding(inputs: StackInputs, role: IamRole) -> Finding | None:
    asked = inputs.account.permissions_boundaries[inputs.spec.permissions]
    if role.permissions_boundary == asked:
        return None
    return stuck(
        Reason.MANAGEMENT_ROLE_UNUSABLE,
        f"the permissions boundary of role {role.arn} is {role.permissions_boundary or 'missing'} instead of {asked}. "
        "Put it back, or use a template that gives the role the parameter PermissionsBoundaryArn.",
    )


def _trust_finding(inputs: StackInputs, role: IamRole, connector_role_id: str | None) -> Finding | None:
    visitor = _Visitor.of(inputs, connector_role_id)
    statements: list[Mapping[str, Any]] = [json.loads(text) for text in role.trust.statements]
    if any(visitor.is_named_by(statement) for statement in statements):
        return None
    stale = sorted({name for one in statements for name in _principals(one) if _UNIQUE_ID.fullmatch(name)})
    was = f"; it names {', '.join(stale)}, the id of a role that is no more" if stale else ""
    return stuck(
        Reason.TRUST_BROKEN,
        f"the trust policy of role {role.arn} does not let in the connector role {visitor.arn} (id "
        f"{connector_role_id or 'unknown'}){was}. Save the trust policy again as the template has it (aws iam "
        f"update-assume-role-policy --role-name {role.name} --policy-document ...), or delete the stack, and the "
        "operator makes it anew.",
    )


@dataclass(frozen=True)
class _Visitor:
    """The connector's role as a trust policy sees it."""

    arn: str
    account_id: str
    role_id: str | None
    values: Mapping[str, str]
    """Of the condition keys that are known; what others ask for, nobody can tell beforehand."""

    @classmethod
    def of(cls, inputs: StackInputs, role_id: str | None) -> _Visitor:
        arn, account_id = inputs.cluster.role_arn(inputs.owner), inputs.cluster.account_id
        return cls(
            arn,
            account_id,
            role_id,
            {
                "aws:principalarn": arn,
                "aws:principalaccount": account_id,
                "aws:principalorgid": inputs.spec.target.organization_id or "",
            },
        )

    def is_named_by(self, statement: Mapping[str, Any]) -> bool:
        """Tell whether a statement lets the role in, and means it: not the whole account."""
        if statement.get("Effect") != "Allow" or not any(
            fnmatchcase(_ASSUMING, one) for one in statement.get("Action", ())
        ):
            return False
        names, conditions = set(_principals(statement)), list(_conditions(statement))
        directly = bool(names & {self.arn, self.role_id})
        by_condition = bool(names & {self.account_id, "*"}) and any(
            key == "aws:principalarn" for _, key, _ in conditions
        )
        return (directly or by_condition) and all(self._meets(*condition) for condition in conditions)

    def _meets(self, operator: str, key: str, values: list[str]) -> bool:
        if key not in self.values:
            return True
        matches = _OPERATORS.get(operator.removesuffix("IfExists"))
        return matches is not None and any(matches(self.values[key], value) for value in values)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
}
"""What a condition's operator makes of a value and a pattern; ``ArnEquals`` takes patterns as well."""


def _principals(statement: Mapping[str, Any]) -> list[str]:
    names: list[str] = statement.get("Principal", {}).get("AWS", [])
    return names


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, pairs in statement.get("Condition", {}).items():
        for key, values in pairs:
            yield operator, key, values
