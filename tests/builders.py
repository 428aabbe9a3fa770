"""Builders of what the tests of several parts start from: a plain case, and what differs from it.

What users or the API server write is built as they write it, with the names of the wire.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apono_operator.state.administration import Administration, Grant
from apono_operator.state.desired import (
    CONTAINER,
    RESTARTS_ANNOTATION,
    SETTLED_ANNOTATION,
    TEMPLATE_ROLE_ANNOTATION,
    Inputs,
    connector_role,
)
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.resources import CONNECTOR_LABEL, Cluster, IamRole, Owner
from apono_operator.state.rollout import ROLE_VARIABLE
from apono_operator.v1alpha1 import AponoConnectorSpec, PermissionSet

Json = dict[str, Any]

ACCOUNT = "123456789012"
MANAGEMENT_ACCOUNT = "999988887777"
ORGANIZATION = "o-k012345a67"
UNIT = "ou-1a2b-12345678"
IMAGE = "registry.apono.io/apono-connector:v1.7.8"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
UID = "0b1c9d3e-7a54-4c1d-9a3b-2f6f0d6f5a11"
TOKEN = "5f0c3a1e-token-of-production"
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def a_spec(**changes: Any) -> AponoConnectorSpec:
    """Return the spec of a small connector with *changes* at its top level, by their names on the wire."""
    plain = {"tokenSecretRef": {"name": "apono-token"}, "target": {"mode": "Account"}, "permissions": "ReadOnly"}
    return AponoConnectorSpec.model_validate({**plain, **changes})


def an_organizations_spec(*, target: Json | None = None, **changes: Any) -> AponoConnectorSpec:
    """Return the spec of a connector of mode Organization, with *changes* as in `a_spec`, and those of its *target*."""
    plain = {"mode": "Organization", "organizationId": ORGANIZATION, "organizationUnitId": UNIT}
    return a_spec(target={**plain, **(target or {})}, **changes)


def a_management_account(account_id: str = MANAGEMENT_ACCOUNT, **changes: Any) -> ManagementAccount:
    """Return a management account for the namespace of `an_owner`, with *changes* by their names on the wire."""
    arn = f"arn:aws:iam::{account_id}:"
    plain = {
        "accountId": account_id,
        "roleArn": f"{arn}role/connector-operator-management",
        "externalId": "0123456789abcdef",
        "cloudFormationRoleArn": f"{arn}role/connector-operator-cloudformation",
        "region": "eu-west-1",
        "templateUrl": "https://bucket.s3.amazonaws.com/management-account.yaml",
        "permissionsBoundaries": {one.value: f"{arn}policy/boundary-{one}" for one in PermissionSet},
        "allowedUnits": ["r-1a2b", UNIT],
        "namespaces": ["apono"],
    }
    return ManagementAccount.model_validate({**plain, **changes})


def an_owner(name: str = "production", namespace: str = "apono", uid: str = UID) -> Owner:
    """Return an AponoConnector that resources belong to."""
    return Owner(namespace, name, uid)


def a_cluster(partition: str = "aws", issuer: str = ISSUER) -> Cluster:
    """Return a cluster in *partition*."""
    return Cluster(issuer, ACCOUNT, partition)


def a_boundary(permission_set: PermissionSet, partition: str = "aws") -> str:
    """Return the ARN of the permissions boundary that `an_administration` has for *permission_set*."""
    return f"arn:{partition}:iam::{ACCOUNT}:policy/boundary-{permission_set}"


def an_administration(**changes: Any) -> Administration:
    """Return decisions that grant the namespace of `an_owner` everything within boundaries."""
    plain: Json = {
        "grants": (Grant(namespaces=("apono",)),),
        "permissions_boundaries": {one: a_boundary(one) for one in PermissionSet},
    }
    return Administration(**{**plain, **changes})


def some_inputs(**changes: Any) -> Inputs:
    """Return all that a desired State depends on, with *changes* by their names in `Inputs`."""
    plain: Json = {
        "spec": a_spec(),
        "owner": an_owner(),
        "cluster": a_cluster(),
        "administration": an_administration(),
        "token": TOKEN,
    }
    return Inputs(**{**plain, **changes})


def a_role(**changes: Any) -> IamRole:
    """Return the role of `some_inputs` as IAM has it when all is well, with *changes* by their names in `IamRole`."""
    return replace(connector_role(some_inputs()), **{"role_id": "AROAEXAMPLE", **changes})


def a_token_secret(token: str = TOKEN, key: str = "token") -> Json:
    """Return the Secret with the connector token as the API server has it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "apono-token", "namespace": "apono", "resourceVersion": "7"},
        "data": {key: base64.b64encode(token.encode()).decode()},
    }


def a_deployment(*, restarts: int = 0, settled: int = 0, replicas: int = 1, status: Json | None = None) -> Json:
    """Return a connector's Deployment as the API server has it: rolled out, but for what *status* says.

    Args:
        restarts: The account of restarts in its template.
        settled: The account of restarts when all was well.
        replicas: The number of pods asked for.
        status: Fields of its status by their names on the wire; None leaves one out.
    """
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), replicas)
    known = {"observedGeneration": 2, **counts, **(status or {})}
    return {
        "metadata": {
            "name": an_owner().child_name,
            "namespace": "apono",
            "generation": 2,
            "annotations": {SETTLED_ANNOTATION: str(settled)},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {CONNECTOR_LABEL: an_owner().label}},
            "template": {"metadata": {"annotations": {RESTARTS_ANNOTATION: str(restarts)}}},
        },
        "status": {name: value for name, value in known.items() if value is not None},
    }


def a_pod(
    name: str = "connector-1",
    *,
    role_arn: str | None = None,
    template_role_arn: str | None = None,
    restarts: int = 0,
    age: timedelta = timedelta(minutes=5),
    status: Json | None = None,
) -> Json:
    """Return a pod of the connector as the API server has it, running.

    Args:
        name: Its name.
        role_arn: The role that the pod identity webhook put into its environment, None if it did not.
        template_role_arn: The role that its template was made for; that of `a_role` by default.
        restarts: The account of restarts in its template.
        age: How long before `NOW` it was made.
        status: Fields of its status by their names on the wire.
    """
    injected = [] if role_arn is None else [{"name": ROLE_VARIABLE, "value": role_arn}]
    variables = [{"name": "APONO_URL", "value": "x"}, *injected]
    return {
        "metadata": {
            "name": name,
            "namespace": "apono",
            "creationTimestamp": (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "annotations": {
                TEMPLATE_ROLE_ANNOTATION: template_role_arn or a_role().arn,
                RESTARTS_ANNOTATION: str(restarts),
            },
        },
        "spec": {"containers": [{"name": CONTAINER, "image": IMAGE, "env": variables}]},
        "status": {"phase": "Running", **(status or {})},
    }
