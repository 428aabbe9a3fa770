from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.desired import (
    connector_role,
    deployment,
    desired_state,
    emptied_secret,
    service_account,
    trust_policy,
)
from apono_operator.state.permissions import (
    INLINE_POLICY_LIMIT,
    managed_policy_arns,
    management_connector_permissions_document,
    organization_permissions_document,
    permissions_document,
)
from apono_operator.state.resources import ObjectKey, Owner, child_keys, key_of
from apono_operator.v1alpha1 import PermissionSet
from tests.builders import (
    ISSUER,
    TOKEN,
    UID,
    Json,
    a_boundary,
    a_cluster,
    a_spec,
    an_administration,
    an_organizations_spec,
    an_owner,
    some_inputs,
)
from tests.unit.state.deployments import pod_spec_of
from tests.unit.state.strategies import OWNERS

CHILD = "apono-connector-production"


def pull_secret(**inputs: Any) -> Json | None:
    found = desired_state(some_inputs(**inputs)).objects.get(ObjectKey("Secret", "apono", CHILD))
    return dict(found) if found else None


# --- the whole ----------------------------------------------------------------------------------------------------


def test_a_connector_is_a_role_a_service_account_a_pull_secret_and_a_deployment_in_this_order() -> None:
    desired = desired_state(some_inputs())

    assert desired.role == connector_role(some_inputs())
    assert [str(key) for key in desired.objects] == [
        f"ServiceAccount apono/{CHILD}",
        f"Secret apono/{CHILD}",
        f"Deployment apono/{CHILD}",
    ]


@given(OWNERS)
def test_children_are_where_deletion_looks_for_them(owner: Owner) -> None:
    desired = desired_state(some_inputs(owner=owner))

    assert set(desired.objects) == set(child_keys(owner).values())
    assert all(key_of(manifest) == key for key, manifest in desired.objects.items())


@pytest.mark.parametrize("kind", ["ServiceAccount", "Secret", "Deployment"])
def test_every_child_carries_the_recommended_labels_and_its_owner(kind: str) -> None:
    metadata = desired_state(some_inputs()).objects[ObjectKey(kind, "apono", CHILD)]["metadata"]

    assert metadata["labels"] == {
        "app.kubernetes.io/name": "apono-connector",
        "app.kubernetes.io/instance": "production",
        "app.kubernetes.io/component": "connector",
        "app.kubernetes.io/managed-by": "apono-operator",
        "apono.io/connector": "production",
    }
    assert metadata["ownerReferences"] == [an_owner().reference]


def test_equal_inputs_give_equal_states() -> None:
    assert desired_state(some_inputs()) == desired_state(some_inputs())


@given(st.sampled_from(("replicas", "priorityClassName", "imagePullPolicy")))
def test_the_hash_of_a_child_changes_with_what_is_asked(field: str) -> None:
    changed = {"replicas": 2, "priorityClassName": "high", "imagePullPolicy": "Always"}[field]
    before, after = some_inputs(), some_inputs(spec=a_spec(deployment={field: changed}))

    assert hash_of(before, "Deployment") != hash_of(after, "Deployment")
    assert hash_of(before, "ServiceAccount") == hash_of(after, "ServiceAccount")


def hash_of(inputs: Any, kind: str) -> str:
    metadata = desired_state(inputs).objects[child_keys(inputs.owner)[kind]]["metadata"]
    value = metadata["annotations"]["apono.io/desired-hash"]
    assert isinstance(value, str)
    return value


# --- the token ----------------------------------------------------------------------------------------------------


def test_the_token_is_nowhere_but_in_the_pull_secret() -> None:
    inputs = some_inputs()
    desired = desired_state(inputs)
    encoded = base64.b64encode(TOKEN.encode()).decode()

    assert TOKEN not in repr(inputs)
    for key, manifest in desired.objects.items():
        assert TOKEN not in json.dumps(manifest)
        assert encoded not in json.dumps(manifest)
        assert (TOKEN in decoded_data(manifest)) is (key.kind == "Secret")
    assert TOKEN not in repr(desired.role)


def decoded_data(manifest: Any) -> str:
    return " ".join(base64.b64decode(value).decode() for value in manifest.get("data", {}).values())


def test_inputs_are_shown_by_name_alone() -> None:
    assert repr(some_inputs()) == "Inputs(apono/production)"


def test_equal_tokens_of_two_connectors_do_not_show_as_equal() -> None:
    one, other = some_inputs(), some_inputs(owner=an_owner(uid="another-uid"))

    assert token_hash(one) != token_hash(other)


def test_another_token_rolls_the_pods() -> None:
    assert token_hash(some_inputs()) != token_hash(some_inputs(token="rotated"))


def token_hash(inputs: Any) -> str:
    value = deployment(inputs)["spec"]["template"]["metadata"]["annotations"]["apono.io/token-hash"]
    assert isinstance(value, str)
    return value


# --- the role -----------------------------------------------------------------------------------------------------


def test_a_role_carries_boundary_tags_and_what_the_user_adds() -> None:
    extra = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    spec = a_spec(role={"managedPolicyArns": [extra], "tags": {"team": "platform"}}, permissions="FullAccess")
    administration = an_administration(role_tags={"cost-centre": "7"}, max_session_duration=7200)

    role = connector_role(some_inputs(spec=spec, administration=administration))

    assert role.arn == a_cluster().role_arn(an_owner())
    assert role.permissions == permissions_document(PermissionSet.FULL_ACCESS, "aws")
    assert role.permissions_boundary == a_boundary(PermissionSet.FULL_ACCESS)
    assert role.max_session_duration == 7200
    assert role.description == "Apono connector apono/production. Kept by apono-operator."
    assert set(role.managed_policy_arns or ()) == {
        extra,
        "arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess",
        "arn:aws:iam::aws:policy/AWSResourceExplorerReadOnlyAccess",
        "arn:aws:iam::aws:policy/SecurityAudit",
    }
    assert role.tags == {"team": "platform", "cost-centre": "7", **a_cluster().ownership_tags(an_owner())}


@pytest.mark.parametrize("permission_set", PermissionSet)
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_the_role_of_an_organizations_connector_holds_what_every_connector_does_and_nothing_else(
    permission_set: PermissionSet, partition: str
) -> None:
    spec = an_organizations_spec(permissions=permission_set.value)

    role = connector_role(some_inputs(spec=spec, cluster=a_cluster(partition)))

    assert role.permissions == organization_permissions_document(partition)
    assert role.managed_policy_arns == frozenset()
    assert role.permissions_boundary == a_boundary(permission_set)
    assert role.arn == a_cluster(partition).role_arn(an_owner())


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
@pytest.mark.parametrize("permission_set", PermissionSet)
def test_in_the_management_account_the_role_holds_the_rights_of_an_account_and_of_the_organization(
    permission_set: PermissionSet, partition: str
) -> None:
    spec = an_organizations_spec(target={"mode": "ManagementAccount"}, permissions=permission_set.value)

    role = connector_role(some_inputs(spec=spec, cluster=a_cluster(partition)))

    assert role.permissions == management_connector_permissions_document(permission_set, partition)
    assert role.managed_policy_arns == managed_policy_arns(permission_set, partition)
    assert role.permissions_boundary == a_boundary(permission_set)
    assert role.permissions
    assert len(role.permissions.json) <= INLINE_POLICY_LIMIT


def test_the_role_of_an_organizations_connector_may_have_additions() -> None:
    extra = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    spec = an_organizations_spec(role={"managedPolicyArns": [extra]})

    assert connector_role(some_inputs(spec=spec)).managed_policy_arns == frozenset({extra})


@pytest.mark.parametrize("role", [None, {}, {"managedPolicyArns": [], "tags": {}}], ids=["no role", "empty", "lists"])
def test_a_role_without_additions_has_what_its_permission_set_has(role: Json | None) -> None:
    assert connector_role(some_inputs(spec=a_spec(role=role))) == connector_role(some_inputs())


def test_nobodys_tags_replace_those_that_prove_ownership() -> None:
    administration = an_administration(role_tags={"apono.io/uid": "forged"})

    assert connector_role(some_inputs(administration=administration)).tags["apono.io/uid"] == UID


def test_a_role_without_a_boundary_is_wished_where_none_is_configured() -> None:
    role = connector_role(some_inputs(administration=an_administration(permissions_boundaries={})))

    assert role.permissions_boundary is None


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_only_this_service_account_of_this_cluster_is_trusted(partition: str) -> None:
    document = json.loads(trust_policy(a_cluster(partition), an_owner()).json)

    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:{partition}:iam::123456789012:oidc-provider/{ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:sub": f"system:serviceaccount:apono:{CHILD}",
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                    }
                },
            }
        ],
    }


@given(OWNERS)
def test_a_trust_policy_stays_within_iams_quota_of_2048_characters(owner: Owner) -> None:
    assert len(trust_policy(a_cluster("aws-us-gov"), owner).json) < 2048


# --- the service account ------------------------------------------------------------------------------------------


def test_the_service_account_names_its_role_from_the_first_write_on() -> None:
    account = service_account(some_inputs())

    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": a_cluster().role_arn(an_owner())}
    assert account["automountServiceAccountToken"] is False


# --- the pull secret ----------------------------------------------------------------------------------------------


def test_the_token_is_the_password_of_aponos_registry() -> None:
    secret = pull_secret()

    assert secret is not None
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert json.loads(base64.b64decode(secret["data"][".dockerconfigjson"])) == {
        "auths": {
            "registry.apono.io": {
                "username": "apono",
                "password": TOKEN,
                "auth": base64.b64encode(f"apono:{TOKEN}".encode()).decode(),
            }
        }
    }
    assert pod_spec_of()["imagePullSecrets"] == [{"name": CHILD}]


FOREIGN_IMAGES = [
    "docker.io/acme/connector",
    "registry.apono.io.evil.com/apono-connector",
    "registry.apono.io:8443/apono-connector",
    "evil.com/registry.apono.io/apono-connector",
    "acme/connector",
]


@pytest.mark.parametrize("image", FOREIGN_IMAGES)
def test_no_other_registry_is_given_the_token(image: str) -> None:
    by_default = some_inputs(administration=an_administration(connector_image=image))

    assert pull_secret(spec=a_spec(deployment={"image": image})) is None
    assert "imagePullSecrets" not in pod_spec_of(image=image)
    assert [key.kind for key in desired_state(by_default).objects] == ["ServiceAccount", "Deployment"]


def test_pull_secrets_of_the_users_take_the_place_of_ours() -> None:
    mine = {"imagePullSecrets": [{"name": "mine"}, {"name": "yours"}]}

    assert pull_secret(spec=a_spec(deployment=mine)) is None
    assert pod_spec_of(**mine)["imagePullSecrets"] == [{"name": "mine"}, {"name": "yours"}]


def test_an_emptied_pull_secret_is_ours_and_holds_no_login() -> None:
    emptied = emptied_secret(an_owner())

    assert key_of(emptied) == ObjectKey("Secret", "apono", CHILD)
    assert emptied["metadata"]["ownerReferences"] == [an_owner().reference]
    assert emptied["type"] == "kubernetes.io/dockerconfigjson"
    assert decoded_data(emptied) == '{"auths":{}}'
