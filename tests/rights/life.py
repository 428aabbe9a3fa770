"""What the operator, and CloudFormation for it, ask of AWS in the life of a connector, with the printed policies."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.aws.management import ManagementAccess, ManagementSessions
from apono_operator.adapters.aws.organizations import Organizations
from apono_operator.adapters.errors import ConflictError
from apono_operator.state import plan
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import Cluster, IamRole, Owner
from apono_operator.state.stack import (
    ContinueRollback,
    DeleteStack,
    DiscardChangeSet,
    ExecuteChangeSet,
    MakeChangeSet,
    Stack,
    Template,
)
from sandbox.aws import Account, CallRecord, FrontDoor
from sandbox.aws.identity_center.instance import Instance
from sandbox.bootstrap import Bootstrapped, ManagedOrganization, bootstrap
from tests.adapters.aws.connection import Connection, connect_with, role_of
from tests.aws.identities import AUDIENCE, Issuer

NAMESPACE = "apono"
HOST = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
OWNER = Owner(NAMESPACE, "production", "0b1c9d3e-7a54-4c1d-9a3b-2f6f0d6f5a11")
OTHER_POLICY = "arn:aws:iam::aws:policy/SecurityAudit"


@dataclass
class Life:
    """A connector's life, step by step.

    Attributes:
        aws: AWS.
        member: The account of the cluster.
        management: The organization's management account.
        made: What the administrator's stacks made.
        steps: What was done, and the calls that came of it, in order.
        documents: The policies in force, by name, as far as somebody has asked for them.
    """

    aws: FrontDoor
    member: Account
    management: Account
    made: Bootstrapped
    connection: Connection
    steps: list[tuple[str, tuple[CallRecord, ...]]] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Remember the calls that are made meanwhile; none of them may be denied."""
        mark = self.aws.calls.mark()
        yield
        calls = self.aws.calls.since(mark)
        assert [f"{one.operation} {one.parameters}" for one in calls if one.outcome.startswith("AccessDenied")] == []
        self.steps.append((what, tuple(calls)))

    @property
    def cluster(self) -> Cluster:
        return Cluster(HOST, self.member.account_id, self.member.partition)


def lived(tmp_path: Path) -> Iterator[Life]:
    """Live it, on AWS of its own."""
    with FrontDoor() as aws, pytest.MonkeyPatch.context() as patch:
        member, management = aws.create_account(), aws.create_account()
        organization = aws.create_organization(management)
        organization.stacksets_access = "ENABLED"
        organization.identity_center = Instance(management.region)
        unit, other_unit = organization.unit("Workloads"), organization.unit("Others")
        organization.join(member, unit)
        issuer = Issuer(f"https://{HOST}")
        issuer.introduce(aws, member)
        made = bootstrap(aws, member, ManagedOrganization(organization, management, unit), HOST, NAMESPACE)
        variables = _pod(aws, member, made, issuer, tmp_path)
        for name, value in variables.items():
            patch.setenv(name, value)
        life = Life(aws, member, management, made, connect_with(aws, member, variables))
        _role(life)
        _stack(life, organization.id, unit.id, other_unit.id)
        yield life


def _pod(aws: FrontDoor, member: Account, made: Bootstrapped, issuer: Issuer, tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    subject = f"system:serviceaccount:{NAMESPACE}:apono-operator"
    token.write_text(issuer.token(datetime.now(UTC), sub=subject, aud=[AUDIENCE]), encoding="utf-8")
    return {
        **aws.environment_without_credentials(member.region),
        "AWS_ROLE_ARN": made.operator_role_arn,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
    }


# --- the connector's role -----------------------------------------------------------------------------------------


def _role(life: Life) -> None:
    iam, name = life.connection.iam, life.cluster.role_name(OWNER)
    role = _connector_role(life)
    with life.step("looks whether the cluster's provider is there"):
        iam.provider_audiences(life.cluster)
    with life.step("looks for roles without a connector"):
        iam.connector_role_names()
    administrator = life.member.client("iam")
    administrator.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=role.trust.json)
    with life.step("finds a role of that name with a path"):
        assert iam.observe_role(name, Depth.EVERYTHING) is not None
    administrator.delete_role(RoleName=name)
    with life.step("makes the role"):
        iam.apply(plan.CreateRole(role))
    for what, change in _widening(name, role, life.made.boundaries["FullAccess"]):
        with life.step(what):
            iam.apply(change)
    profile = f"profile-{secrets.token_hex(4)}"
    administrator.create_instance_profile(InstanceProfileName=profile)
    administrator.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
    with life.step("looks at the role"):
        assert iam.observe_role(name, Depth.EVERYTHING) is not None
    for what, removal in _removing(name, profile):
        with life.step(what):
            iam.apply(removal)


def _connector_role(life: Life) -> IamRole:
    return replace(
        role_of(life.connection),
        arn=life.cluster.role_arn(OWNER),
        permissions_boundary=life.made.boundaries["ReadOnly"],
        tags={**life.cluster.ownership_tags(OWNER), "team": "a"},
    )


def _widening(name: str, role: IamRole, boundary: str) -> list[tuple[str, plan.RoleChange]]:
    return [
        ("puts the role's policy", plan.PutInlinePolicy(name, INLINE_POLICY_NAME, role.permissions)),
        ("attaches a policy", plan.AttachPolicy(name, OTHER_POLICY)),
        ("puts the trust right", plan.PutTrust(name, role.trust)),
        ("puts the description right", plan.UpdateRole(name, "A connector.", 3600)),
        ("puts the boundary right", plan.PutBoundary(name, boundary)),
        ("puts a tag right", plan.TagRole(name, {"team": "b"})),
        ("takes a tag away", plan.UntagRole(name, frozenset({"team"}))),
    ]


def _removing(name: str, profile: str) -> list[tuple[str, plan.RoleChange]]:
    return [
        ("takes the role out of a profile", plan.RemoveFromInstanceProfile(name, profile)),
        ("detaches a policy", plan.DetachPolicy(name, OTHER_POLICY)),
        ("deletes the role's policy", plan.DeleteInlinePolicy(name, INLINE_POLICY_NAME)),
        ("deletes the role", plan.DeleteRole(name)),
    ]


# --- the stack in the management account --------------------------------------------------------------------------


def _stack(life: Life, organization_id: str, unit_id: str, other_unit_id: str) -> None:
    account = ManagementAccount.model_validate({**life.made.management_account, "namespaces": ["*"]})
    access = _entered(life, account)
    desired = _desired(life, account, organization_id, unit_id)
    with life.step("looks at the organization"):
        life.connection.session.sts.get_caller_identity()
        access.organizations.organization()
        access.organizations.has_unit(unit_id)
        access.organizations.has_unit("r-1a2b")
        access.organizations.delegated_administrators("sso.amazonaws.com")
        access.identity_center.instances()
        access.stacks.stack_sets_access()
    with life.step("looks at the organization from the cluster's account"):
        Organizations(life.connection.session.organizations).organization()
    with life.step("reads the template"):
        access.stacks.template_summary(desired.template)
    with life.step("makes the stack"):
        _carry_out(access, desired, "CREATE")
    with life.step("counts member accounts, and which of them another unit has"):
        assert [one.account_id for one in access.stacks.stack_instances(desired.name) or ()] == [life.member.account_id]
        assert life.member.account_id in access.organizations.accounts_below(unit_id)
    with life.step("looks at the stack's role"):
        access.role(life.cluster.management_role_name(OWNER))
    with life.step("lays the roles below another unit"):
        _carry_out(access, _with_parameters(desired, OrganizationUnitId=other_unit_id), "UPDATE")
    with life.step("takes a tag off the stack, and off its StackSet"):
        _carry_out(access, replace(desired, tags={**desired.tags, "team": "a"}), "UPDATE")
        _carry_out(access, desired, "UPDATE")
    _changes(life, access, desired)
    stack_id = _stack_id(access, desired)
    with life.step("gets a stack out of a failed rollback"), pytest.raises(ConflictError):
        access.stacks.apply(ContinueRollback(stack_id), desired)
    with life.step("deletes the stack"):
        access.stacks.delete(DeleteStack(stack_id))
        access.stacks.observe(stack_id)
        access.stacks.first_failure(stack_id)


def _changes(life: Life, access: ManagementAccess, desired: Stack) -> None:
    """Change what can be changed: by parameters, by a template that the administrator replaces, back again."""
    url = str(desired.template.url)
    full = _with_parameters(
        desired,
        Permissions="FullAccess",
        PermissionsBoundaryArn=life.made.management_account["permissionsBoundaries"]["FullAccess"],
        ConnectorRoleArn=f"{life.member.arn_prefix}role/apono-connector-other",
    )
    with life.step("gives the stack other parameters"):
        _carry_out(access, full, "UPDATE")
    printed = life.aws.templates[url]
    life.aws.templates[url] = _other_template(printed)
    with life.step("takes up another template"):
        _carry_out(access, _of_template(desired, "other"), "UPDATE")
    life.aws.templates[url] = printed
    with life.step("goes back to the template"):
        _carry_out(access, _of_template(desired, "again"), "UPDATE")
    with life.step("removes a change set that is not needed"):
        unneeded = _of_template(desired, "unneeded")
        access.stacks.apply(MakeChangeSet("UPDATE"), unneeded)
        found = access.stacks.change_set(unneeded.name, unneeded.change_set_name)
        assert found is not None
        access.stacks.validation_failure(found.change_set_id)
        access.stacks.apply(DiscardChangeSet(found.change_set_id), unneeded)


def _entered(life: Life, account: ManagementAccount) -> ManagementAccess:
    sessions = ManagementSessions(life.connection.session)
    return sessions.enter(Entrance.to(account, life.cluster.stack_name(OWNER), OWNER.uid))


def _desired(life: Life, account: ManagementAccount, organization_id: str, unit_id: str) -> Stack:
    parameters = {
        "AponoConnectorId": "production",
        "ConnectorRoleArn": life.cluster.role_arn(OWNER),
        "ManagementRoleName": life.cluster.management_role_name(OWNER),
        "MemberRoleName": life.cluster.member_role_name(OWNER),
        "MemberTemplateUrl": account.member_template_url or "",
        "OrganizationId": organization_id,
        "OrganizationUnitId": unit_id,
        "Permissions": "ReadOnly",
        "PermissionsBoundaryArn": life.made.management_account["permissionsBoundaries"]["ReadOnly"],
    }
    return Stack(
        name=life.cluster.stack_name(OWNER),
        account_id=account.account_id,
        region=account.region,
        template=Template("printed", url=account.template_url),
        parameters=parameters,
        capabilities=("CAPABILITY_NAMED_IAM",),
        service_role_arn=account.cloud_formation_role_arn,
        tags=life.cluster.ownership_tags(OWNER),
    )


def _with_parameters(desired: Stack, **parameters: str) -> Stack:
    return replace(desired, parameters={**desired.parameters, **parameters})


def _of_template(desired: Stack, digest: str) -> Stack:
    return replace(desired, template=replace(desired.template, digest=digest))


def _carry_out(access: ManagementAccess, desired: Stack, kind: Any) -> None:
    access.stacks.apply(MakeChangeSet(kind), desired)
    found = access.stacks.change_set(desired.name, desired.change_set_name)
    assert found is not None
    assert found.status == "CREATE_COMPLETE", found.status_reason
    access.stacks.apply(ExecuteChangeSet(found.change_set_id), desired)
    seen = access.stacks.observe(desired.name)
    assert seen is not None
    assert seen.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, access.stacks.first_failure(seen.stack_id)


def _stack_id(access: ManagementAccess, desired: Stack) -> str:
    seen = access.stacks.observe(desired.name)
    assert seen is not None
    return seen.stack_id


def _other_template(printed: str) -> str:
    """The template as an administrator may change it: with everything of a role that a role of the stack can have."""
    document = yaml.safe_load(printed)
    properties = document["Resources"]["ManagementRole"]["Properties"]
    properties["Description"] = "Another one"
    properties["ManagedPolicyArns"] = [OTHER_POLICY]
    properties["Policies"] = [{**properties["Policies"][0], "PolicyName": "another"}]
    properties["Tags"] = [{"Key": "team", "Value": "a"}]
    return json.dumps(document)
