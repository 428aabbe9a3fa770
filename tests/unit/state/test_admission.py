from __future__ import annotations

import re
from typing import Any

import pytest

from apono_operator.state.administration import Administration, Grant
from apono_operator.state.admission import Request, management_account_of, refusal
from apono_operator.state.finding import Refusal
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.v1alpha1 import Mode, PermissionSet, Reason
from tests.builders import (
    MANAGEMENT_ACCOUNT,
    Json,
    a_boundary,
    a_management_account,
    a_spec,
    an_administration,
    an_organizations_spec,
)

SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
LIMITS = an_administration(
    grants=(
        Grant(namespaces=("apono", "team-*"), permissions=(PermissionSet.READ_ONLY,)),
        Grant(namespaces=("apono",), image_registries=("quay.io/acme",), permissions=(PermissionSet.FULL_ACCESS,)),
        Grant(namespaces=("later",), modes=(Mode.ORGANIZATION,)),
    ),
    allowed_managed_policy_arns=(SECURITY_AUDIT,),
    allowed_role_tag_keys=("team", "cost*"),
    allowed_env_names=("HTTPS_PROXY", "ACME_*"),
    allowed_pod_label_keys=("team", "acme.example/*"),
    allowed_pod_annotation_keys=("note",),
    role_tags={"cost-centre": "7"},
)


def asked(namespace: str = "apono", **spec: Any) -> Request:
    return Request(namespace, a_spec(**spec))


def with_variables(*names: str) -> Request:
    return asked(deployment={"env": [{"name": name, "value": "x"} for name in names]})


ADMITTED = {
    "what a grant gives": asked(),
    "in a namespace by pattern": asked("team-a"),
    "what another grant of the namespace gives": asked(
        permissions="FullAccess", deployment={"image": "quay.io/acme/connector:1"}
    ),
    "an image of the registry granted": asked(deployment={"image": "registry.apono.io/apono-connector:v1.7.6"}),
    "a managed policy on the list": asked(role={"managedPolicyArns": [SECURITY_AUDIT]}),
    "tags on the list": asked(role={"tags": {"team": "a", "cost": "b"}}),
    "an empty role": asked(role={}),
    "variables on the list": with_variables("HTTPS_PROXY", "ACME_LEVEL"),
    "pod labels on the list": asked(deployment={"podLabels": {"team": "a", "acme.example/stage": "b"}}),
    "pod annotations on the list": asked(deployment={"podAnnotations": {"note": "a"}}),
    "a deployment without extras": asked(deployment={"env": [], "podLabels": {}, "podAnnotations": {}}),
}


def test_the_administrators_own_image_needs_no_grant() -> None:
    assert refusal(asked(), an_administration(connector_image="mirror.example/connector:1")) is None


@pytest.mark.parametrize("request_", ADMITTED.values(), ids=ADMITTED)
def test_what_the_administrator_allows_is_admitted(request_: Request) -> None:
    assert refusal(request_, LIMITS) is None


REFUSED: dict[str, tuple[Request, Administration, tuple[str, ...]]] = {
    "a namespace without a grant": (
        asked("other"),
        LIMITS,
        ("namespace other is not granted connectors at all", "APONO_OPERATOR_GRANTS", "chart value grants"),
    ),
    "a mode that no grant gives": (asked("later"), LIMITS, ("is not granted mode Account",)),
    "a permission set that no grant gives": (
        asked("team-a", permissions="FullAccess"),
        LIMITS,
        ("is not granted permissions FullAccess", "permissions: [FullAccess]"),
    ),
    "an image from elsewhere": (
        asked("team-a", deployment={"image": "registry.apono.io.evil.com/apono-connector:1"}),
        LIMITS,
        ("is not granted image registry.apono.io.evil.com/apono-connector:1 (granted: registry.apono.io)",),
    ),
    "two things at once": (
        asked("team-a", permissions="FullAccess", deployment={"image": "quay.io/x:1"}),
        LIMITS,
        ("is not granted permissions FullAccess, image quay.io/x:1 (granted: registry.apono.io)",),
    ),
    "something that one grant lacks less than another": (
        asked(permissions="FullAccess", deployment={"image": "quay.io/other/connector:1"}),
        LIMITS,
        ("namespace apono is not granted image quay.io/other/connector:1 (granted: ",),
    ),
    "what two grants give only together": (
        asked(deployment={"image": "quay.io/acme/connector:1"}),
        LIMITS,
        ("namespace apono is not granted",),
    ),
    "a permission set without a boundary": (
        asked(),
        an_administration(permissions_boundaries={PermissionSet.FULL_ACCESS: a_boundary(PermissionSet.FULL_ACCESS)}),
        (
            "no permissions boundary is configured for permissions ReadOnly",
            "APONO_OPERATOR_PERMISSIONS_BOUNDARIES",
            "chart value permissionsBoundaries",
        ),
    ),
    "managed policies off the list": (
        asked(
            role={
                "managedPolicyArns": [
                    SECURITY_AUDIT,
                    f"{SECURITY_AUDIT}2",
                    "arn:aws:iam::aws:policy/AdministratorAccess",
                ]
            }
        ),
        LIMITS,
        (
            f"spec.role.managedPolicyArns: arn:aws:iam::aws:policy/AdministratorAccess, {SECURITY_AUDIT}2 is not on",
            "APONO_OPERATOR_ALLOWED_MANAGED_POLICY_ARNS",
            "chart value allowedManagedPolicyArns",
        ),
    ),
    "a tag off the list": (
        asked(role={"tags": {"team": "a", "owner": "b"}}),
        LIMITS,
        ("spec.role.tags: owner is not on", "APONO_OPERATOR_ALLOWED_ROLE_TAG_KEYS", "chart value allowedRoleTagKeys"),
    ),
    "variables off the list": (
        with_variables("NODE_OPTIONS", "HTTPS_PROXY", "LD_PRELOAD"),
        LIMITS,
        (
            "spec.deployment.env: LD_PRELOAD, NODE_OPTIONS is not on",
            "APONO_OPERATOR_ALLOWED_ENV_NAMES",
            "chart value allowedEnvNames",
        ),
    ),
    "a variable of the default that the administrator's list leaves out": (
        with_variables("LOG_LEVEL"),
        LIMITS,
        ("spec.deployment.env: LOG_LEVEL is not on",),
    ),
    "a pod label off the list": (
        asked(deployment={"podLabels": {"team": "a", "app": "shop", "note": "b"}}),
        LIMITS,
        (
            "spec.deployment.podLabels: app, note is not on",
            "APONO_OPERATOR_ALLOWED_POD_LABEL_KEYS",
            "chart value allowedPodLabelKeys",
        ),
    ),
    "a pod annotation off the list": (
        asked(
            deployment={
                "podAnnotations": {
                    "note": "a",
                    "container.apparmor.security.beta.kubernetes.io/connector": "unconfined",
                    "team": "b",
                }
            }
        ),
        LIMITS,
        (
            "spec.deployment.podAnnotations: container.apparmor.security.beta.kubernetes.io/connector, team is not on",
            "APONO_OPERATOR_ALLOWED_POD_ANNOTATION_KEYS",
            "chart value allowedPodAnnotationKeys",
        ),
    ),
    "a tag of the administrator's": (
        asked(role={"tags": {"cost-centre": "8"}}),
        LIMITS,
        ("spec.role.tags: cost-centre is not on",),
    ),
    "a tag of the administrator's in another case": (
        asked(role={"tags": {"cost-CENTRE": "8"}}),
        LIMITS,
        ("spec.role.tags: cost-CENTRE is not on",),
    ),
}


@pytest.mark.parametrize(("request_", "administration", "parts"), REFUSED.values(), ids=REFUSED)
def test_what_the_administrator_does_not_allow_is_refused_with_what_to_ask_for(
    request_: Request, administration: Administration, parts: tuple[str, ...]
) -> None:
    refused = refusal(request_, administration)

    assert refused is not None
    assert refused.reason is Reason.NOT_PERMITTED
    assert [part for part in parts if part not in refused.message] == []


def test_roles_without_a_boundary_are_made_if_the_administrator_says_so() -> None:
    unbounded = an_administration(permissions_boundaries={}, allow_unbounded_roles=True)

    assert refusal(asked(), unbounded) is None


# --- mode Organization -----------------------------------------------------------------------------------------------

OTHER_ACCOUNT = "111122223333"
FULL_ONLY = {"FullAccess": f"arn:aws:iam::{OTHER_ACCOUNT}:policy/full"}
BOUNDED = a_management_account()
FOREIGN = a_management_account(OTHER_ACCOUNT, namespaces=["team-*"], allowedUnits=["r-9z9z"])


def organization_refusal(*accounts: ManagementAccount, target: Json | None = None, **decisions: Any) -> Refusal | None:
    request = Request("apono", an_organizations_spec(target=target))
    return refusal(request, an_administration(management_accounts=accounts, **decisions))


def test_an_organization_is_admitted_where_a_management_account_is_for_the_namespace_the_unit_and_the_rights() -> None:
    assert organization_refusal(FOREIGN, BOUNDED) is None


def test_the_management_account_of_an_admitted_organization_is_known() -> None:
    administration = an_administration(management_accounts=(FOREIGN, BOUNDED))

    assert management_account_of(Request("apono", an_organizations_spec()), administration) == BOUNDED
    assert management_account_of(asked(), administration) is None


ORGANIZATIONS_REFUSED: dict[str, tuple[Refusal | None, tuple[str, ...]]] = {
    "without any management account": (
        organization_refusal(),
        ("namespace apono is not granted a management account", "chart value managementAccounts"),
    ),
    "with the account of another namespace": (
        organization_refusal(FOREIGN, BOUNDED, target={"managementAccountId": OTHER_ACCOUNT}),
        (f"namespace apono is not granted the management account {OTHER_ACCOUNT}",),
    ),
    "with another unit": (
        organization_refusal(BOUNDED, target={"organizationUnitId": "r-9z9z"}),
        ("namespace apono is not granted the unit r-9z9z",),
    ),
    "with rights that have no boundary in the management account": (
        organization_refusal(a_management_account(OTHER_ACCOUNT, permissionsBoundaries=FULL_ONLY)),
        (
            "no permissions boundary for permissions ReadOnly",
            "permissionsBoundaries.ReadOnly",
            "APONO_OPERATOR_MANAGEMENT_ACCOUNTS",
        ),
    ),
    "with such rights, where the administrator lets roles be without a boundary": (
        organization_refusal(
            a_management_account(OTHER_ACCOUNT, permissionsBoundaries=FULL_ONLY), allow_unbounded_roles=True
        ),
        ("the management account has no permissions boundary for permissions ReadOnly",),
    ),
    "with rights that have no boundary for the connector's own role": (
        organization_refusal(BOUNDED, permissions_boundaries={}),
        ("APONO_OPERATOR_PERMISSIONS_BOUNDARIES",),
    ),
    "that no grant gives": (
        organization_refusal(BOUNDED, grants=(Grant(namespaces=("apono",), modes=(Mode.ACCOUNT,)),)),
        ("is not granted mode Organization", "modes: [Organization]"),
    ),
}


@pytest.mark.parametrize(("refused", "parts"), ORGANIZATIONS_REFUSED.values(), ids=ORGANIZATIONS_REFUSED)
def test_an_organization_is_refused(refused: Refusal | None, parts: tuple[str, ...]) -> None:
    assert refused is not None
    assert refused.reason is Reason.NOT_PERMITTED
    assert [part for part in parts if part not in refused.message] == []


# --- mode ManagementAccount ------------------------------------------------------------------------------------------


def from_inside(own_account_id: str | None, target: Json | None = None) -> Request:
    spec = an_organizations_spec(target={"mode": "ManagementAccount", **(target or {})})
    return Request("apono", spec, own_account_id)


def test_in_mode_management_account_the_stack_belongs_in_the_operators_own_account() -> None:
    administration = an_administration(management_accounts=(a_management_account(OTHER_ACCOUNT), BOUNDED))

    assert management_account_of(from_inside(MANAGEMENT_ACCOUNT), administration) == BOUNDED
    assert refusal(from_inside(MANAGEMENT_ACCOUNT), administration) is None


def test_in_mode_management_account_nothing_is_said_of_accounts_before_the_own_one_is_known() -> None:
    assert management_account_of(from_inside(None), an_administration(management_accounts=(BOUNDED,))) is None
    assert refusal(from_inside(None), an_administration()) is None


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (from_inside(OTHER_ACCOUNT), f"namespace apono is not granted the management account {OTHER_ACCOUNT}"),
        (from_inside(MANAGEMENT_ACCOUNT, {"organizationUnitId": "r-9z9z"}), "is not granted the unit r-9z9z"),
    ],
)
def test_in_mode_management_account_the_own_account_and_the_unit_have_to_be_granted(
    request_: Request, part: str
) -> None:
    refused = refusal(request_, an_administration(management_accounts=(BOUNDED,)))

    assert refused is not None
    assert refused.reason is Reason.NOT_PERMITTED
    assert part in refused.message


def test_in_other_modes_the_operators_own_account_does_not_count() -> None:
    administration = an_administration(management_accounts=(BOUNDED,))

    organization = Request("apono", an_organizations_spec(), OTHER_ACCOUNT)

    assert management_account_of(organization, administration) == BOUNDED
    assert management_account_of(Request("apono", a_spec(), MANAGEMENT_ACCOUNT), administration) is None


def test_a_choice_between_management_accounts_is_the_manifests_to_make() -> None:
    second = a_management_account(OTHER_ACCOUNT)

    refused = organization_refusal(BOUNDED, second)

    assert refused is not None
    assert refused.reason is Reason.INVALID_SPEC
    assert organization_refusal(BOUNDED, second, target={"managementAccountId": OTHER_ACCOUNT}) is None


@pytest.mark.parametrize("refused", [one for one, _ in ORGANIZATIONS_REFUSED.values()], ids=ORGANIZATIONS_REFUSED)
def test_a_refused_organization_learns_nothing_of_the_accounts_of_others(refused: Refusal | None) -> None:
    assert refused is not None
    told = refused.message.replace(f"the management account {OTHER_ACCOUNT}", "")  # what the manifest itself says
    assert not {"arn:", OTHER_ACCOUNT, "team-", "0123456789abcdef"} & set(
        re.findall(r"arn:|team-|[0-9a-f]{12,16}", told)
    )


@pytest.mark.parametrize(("policy", "admitted"), [("SecurityAudit", True), ("AdministratorAccess", False)])
def test_additions_to_an_organizations_connector_role_are_allowed_by_the_same_list(policy: str, admitted: bool) -> None:  # noqa: FBT001 -- a table's column
    spec = an_organizations_spec(role={"managedPolicyArns": [f"arn:aws:iam::aws:policy/{policy}"]})
    limits = LIMITS.model_copy(update={"management_accounts": (BOUNDED,)})

    assert (refusal(Request("apono", spec), limits) is None) is admitted


IMAGES = [
    "registry.apono.io/apono-connector:v1.7.8",
    "registry.apono.io/apono-connector",
    "mirror:5000/apono-connector",
    "mirror:5000/apono-connector:v1",
    "acme/connector:1",
    "connector:1",
    "connector",
    f"quay.io/acme/connector:1@sha256:{'0' * 64}",
]


@pytest.mark.parametrize("image", IMAGES)
def test_the_grant_that_a_refusal_spells_out_is_the_one_that_admits(image: str) -> None:
    request = asked("other", deployment={"image": image})
    refused = refusal(request, LIMITS)

    assert refused is not None
    assert refusal(request, an_administration(grants=(spelled_out(refused.message),))) is None


def spelled_out(message: str) -> Grant:
    """The grant in *message*: names of fields, each with a list of one."""
    (text,) = re.findall(r"\{(.*)\}", message)
    fields = dict(re.findall(r"(\w+): \[([^\]]*)\]", text))
    return Grant.model_validate({name: [value] for name, value in fields.items()})
