"""From a manifest to what should be there.

Nothing is passed from step to step: names and ARNs are computed from what cannot change, so that the whole
State is known before the first call.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from apono_operator.state.administration import CONNECTOR_REGISTRY, Administration, registry_of
from apono_operator.state.iam_policy import POLICY_VERSION, PolicyDocument
from apono_operator.state.permissions import (
    managed_policy_arns,
    management_connector_permissions_document,
    organization_permissions_document,
    permissions_document,
)
from apono_operator.state.resources import (
    CONNECTOR_LABEL,
    MANAGED_BY,
    Cluster,
    IamRole,
    Manifest,
    Owner,
    State,
    key_of,
)
from apono_operator.v1alpha1 import (
    AponoConnectorSpec,
    ConnectorDeployment,
    Mode,
    ResourceRequirements,
    SecurityOverrides,
)

AUDIENCE = "sts.amazonaws.com"
"""The audience of IRSA tokens in every partition (Amazon EKS User Guide, "IAM roles for service accounts")."""

ROLE_ARN_ANNOTATION = "eks.amazonaws.com/role-arn"
DESIRED_HASH_ANNOTATION = "apono.io/desired-hash"
TOKEN_HASH_ANNOTATION = "apono.io/token-hash"  # noqa: S105 -- the name of an annotation
TEMPLATE_ROLE_ANNOTATION = "apono.io/connector-role-arn"
RESTARTS_ANNOTATION = "apono.io/role-injection-restarts"
SETTLED_ANNOTATION = "apono.io/role-injection-settled"

CONTAINER = "connector"
HEALTH_PORT = 8080
NON_ROOT_ID = 65532
PULL_SECRET_USER = "apono"  # noqa: S105 -- the registry's one user name

_DEFAULT_REQUESTS = {"cpu": "500m", "memory": "1G"}
_DEFAULT_LIMITS = {"cpu": "1", "memory": "2G"}


@dataclass(frozen=True)
class Inputs:
    """All that the desired State depends on."""

    spec: AponoConnectorSpec
    owner: Owner
    cluster: Cluster
    administration: Administration
    token: str
    restarts: int = 0
    """How often the pods were restarted because they ran without the role."""

    settled: int = 0
    """The value of `restarts` when all pods last ran with the role."""

    def __repr__(self) -> str:
        return f"Inputs({self.owner.namespace}/{self.owner.name})"  # never the token


def desired_state(inputs: Inputs) -> State:
    """Return all that should be there for the connector of *inputs*."""
    manifests = [service_account(inputs), *_pull_secrets(inputs), deployment(inputs)]
    return State(
        role=connector_role(inputs),
        objects={key_of(manifest): _hashed(manifest, inputs.owner) for manifest in manifests},
    )


def connector_id(spec: AponoConnectorSpec, owner: Owner) -> str:
    """Return the connector's id at Apono: what the manifest says, or its name."""
    return spec.connector_id or owner.name


def connector_role(inputs: Inputs) -> IamRole:
    """Return the role of the connector, with everything on it."""
    spec, owner, cluster, administration = inputs.spec, inputs.owner, inputs.cluster, inputs.administration
    permissions, managed = _rights(spec, cluster.partition)
    extras = spec.role.managed_policy_arns if spec.role and spec.role.managed_policy_arns else ()
    user_tags = spec.role.tags if spec.role and spec.role.tags else {}
    return IamRole(
        arn=cluster.role_arn(owner),
        trust=trust_policy(cluster, owner),
        permissions=permissions,
        managed_policy_arns=managed | frozenset(extras),
        permissions_boundary=administration.permissions_boundaries.get(spec.permissions),
        max_session_duration=administration.max_session_duration,
        description=f"Apono connector {owner.namespace}/{owner.name}. Kept by apono-operator.",
        tags={**user_tags, **administration.role_tags, **cluster.ownership_tags(owner)},
    )


def _rights(spec: AponoConnectorSpec, partition: str) -> tuple[PolicyDocument, frozenset[str]]:
    """Return inline policy and managed policies; an organization's are on the role in its management account."""
    if spec.target.mode is Mode.ORGANIZATION:
        return organization_permissions_document(partition), frozenset()
    is_both = spec.target.mode is Mode.MANAGEMENT_ACCOUNT
    document = management_connector_permissions_document if is_both else permissions_document
    return document(spec.permissions, partition), managed_policy_arns(spec.permissions, partition)


def trust_policy(cluster: Cluster, owner: Owner) -> PolicyDocument:
    """Return the IRSA trust: this ServiceAccount of this cluster, with this audience, and nobody else.

    Source: Amazon EKS User Guide, "Assign IAM roles to Kubernetes service accounts".
    """
    subject = f"system:serviceaccount:{owner.namespace}:{owner.child_name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": cluster.provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{cluster.issuer}:sub": subject, f"{cluster.issuer}:aud": AUDIENCE}},
    }
    return PolicyDocument.of({"Version": POLICY_VERSION, "Statement": [statement]})


def service_account(inputs: Inputs) -> Manifest:
    """Return the connector's ServiceAccount, which names its role from the first write on."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(inputs.owner, annotations={ROLE_ARN_ANNOTATION: inputs.cluster.role_arn(inputs.owner)}),
        "automountServiceAccountToken": False,
    }


def deployment(inputs: Inputs) -> Manifest:
    """Return the connector's Deployment.

    One version at a time under one connector id (Apono's documentation, "High availability for connectors"):
    hence ``Recreate``.
    """
    options = inputs.spec.deployment or ConnectorDeployment()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(inputs.owner, annotations={SETTLED_ANNOTATION: str(inputs.settled)}),
        "spec": {
            "replicas": options.replicas,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _selector(inputs.owner)},
            "template": {
                "metadata": {
                    "labels": {**(options.pod_labels or {}), **_labels(inputs.owner)},
                    "annotations": {**(options.pod_annotations or {}), **_template_annotations(inputs)},
                },
                "spec": _pod_spec(inputs, options),
            },
        },
    }


def _template_annotations(inputs: Inputs) -> dict[str, str]:
    """What must roll the pods when it changes, besides their spec."""
    return {
        TEMPLATE_ROLE_ANNOTATION: inputs.cluster.role_arn(inputs.owner),
        TOKEN_HASH_ANNOTATION: _keyed_hash(inputs.owner, inputs.token),
        RESTARTS_ANNOTATION: str(inputs.restarts),
    }


def _pod_spec(inputs: Inputs, options: ConnectorDeployment) -> dict[str, Any]:
    overrides = options.security_context or SecurityOverrides()
    pod_spec: dict[str, Any] = {
        "serviceAccountName": inputs.owner.child_name,
        "automountServiceAccountToken": options.automount_service_account_token,
        "enableServiceLinks": False,
        "securityContext": _pod_security(overrides),
        "containers": [_container(inputs, options, overrides)],
    }
    pull_secrets = _pull_secret_names(inputs, options)
    if pull_secrets:
        pod_spec["imagePullSecrets"] = [{"name": name} for name in pull_secrets]
    if options.node_selector:
        pod_spec["nodeSelector"] = dict(options.node_selector)
    volumes = inputs.administration.private_ca.volumes()
    if volumes:
        pod_spec["volumes"] = volumes
    if options.tolerations:
        pod_spec["tolerations"] = [
            toleration.model_dump(mode="json", exclude_none=True) for toleration in options.tolerations
        ]
    if options.priority_class_name:
        pod_spec["priorityClassName"] = options.priority_class_name
    return pod_spec


def _container(inputs: Inputs, options: ConnectorDeployment, overrides: SecurityOverrides) -> dict[str, Any]:
    reference = inputs.spec.token_secret_ref
    variables: list[dict[str, Any]] = [
        {
            "name": "APONO_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": reference.name, "key": reference.key}},
        },
        {"name": "APONO_CONNECTOR_ID", "value": connector_id(inputs.spec, inputs.owner)},
        {"name": "APONO_URL", "value": inputs.administration.apono_url},
    ]
    variables += _network_variables(inputs.administration, options)
    variables += [{"name": variable.name, "value": _literal(variable.value)} for variable in options.env or ()]
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": options.image or inputs.administration.connector_image,
        "env": variables,
        "resources": _resources(options.resources),
        "securityContext": _container_security(overrides),
        "livenessProbe": _probe(initialDelaySeconds=30, periodSeconds=30, timeoutSeconds=5, failureThreshold=3),
        "readinessProbe": _probe(periodSeconds=10, timeoutSeconds=5, failureThreshold=3),
    }
    mounts = inputs.administration.private_ca.mounts()
    if mounts:
        container["volumeMounts"] = mounts
    if options.image_pull_policy:
        container["imagePullPolicy"] = options.image_pull_policy
    return container


def _network_variables(administration: Administration, options: ConnectorDeployment) -> list[dict[str, Any]]:
    """The administrator's way out, but for variables that the user gives, whose case makes no difference."""
    given = {variable.name.upper() for variable in options.env or ()}
    variables = {**administration.proxy.variables(), **administration.private_ca.variables()}
    return [{"name": name, "value": value} for name, value in variables.items() if name.upper() not in given]


def _literal(text: str) -> str:
    """Keep Kubernetes from expanding ``$(APONO_TOKEN)``: what a user writes is meant as it stands.

    Source: Kubernetes documentation, "Define Dependent Environment Variables": ``$$`` is read as ``$``.
    """
    return text.replace("$", "$$")


def _probe(**timing: int) -> dict[str, Any]:
    return {"httpGet": {"path": "/healthz", "port": HEALTH_PORT}, **timing}


def _resources(asked: ResourceRequirements | None) -> dict[str, Any]:
    if asked is None:
        return {"requests": dict(_DEFAULT_REQUESTS), "limits": dict(_DEFAULT_LIMITS)}
    return {
        name: dict(amounts)
        for name, amounts in (("requests", asked.requests), ("limits", asked.limits))
        if amounts is not None
    }


def _pod_security(overrides: SecurityOverrides) -> dict[str, Any]:
    """Return the pod's half of the profile "restricted" (Kubernetes, "Pod Security Standards")."""
    return {
        "runAsNonRoot": _given(overrides.run_as_non_root, default=True),
        "runAsUser": _given(overrides.run_as_user, default=NON_ROOT_ID),
        "runAsGroup": _given(overrides.run_as_group, default=NON_ROOT_ID),
        "fsGroup": _given(overrides.fs_group, default=NON_ROOT_ID),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container_security(overrides: SecurityOverrides) -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": _given(overrides.read_only_root_filesystem, default=False),
        "capabilities": {"drop": ["ALL"]},
    }


def _given(value: Any, *, default: Any) -> Any:
    return default if value is None else value


def _pull_secret_names(inputs: Inputs, options: ConnectorDeployment) -> list[str]:
    if options.image_pull_secrets:
        return [secret.name for secret in options.image_pull_secrets]
    if inputs.administration.connector_image_pull_secrets:
        return list(inputs.administration.connector_image_pull_secrets)
    return [inputs.owner.child_name] if _derives_pull_secret(inputs) else []


def _derives_pull_secret(inputs: Inputs) -> bool:
    """The token opens Apono's registry alone, so it is given to no other."""
    options = inputs.spec.deployment or ConnectorDeployment()
    image = options.image or inputs.administration.connector_image
    named = options.image_pull_secrets or inputs.administration.connector_image_pull_secrets
    return not named and registry_of(image) == CONNECTOR_REGISTRY


def emptied_secret(owner: Owner) -> Manifest:
    """Return the pull Secret without any login, for a connector that no longer derives one."""
    return _hashed(_pull_secret(owner, {}), owner)


def _pull_secrets(inputs: Inputs) -> list[Manifest]:
    if not _derives_pull_secret(inputs):
        return []
    login = base64.b64encode(f"{PULL_SECRET_USER}:{inputs.token}".encode()).decode()
    entry = {"username": PULL_SECRET_USER, "password": inputs.token, "auth": login}
    return [_pull_secret(inputs.owner, {CONNECTOR_REGISTRY: entry})]


def _pull_secret(owner: Owner, logins: dict[str, Any]) -> Manifest:
    config = json.dumps({"auths": logins}, separators=(",", ":"))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(owner),
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }


def _metadata(owner: Owner, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": owner.child_name,
        "namespace": owner.namespace,
        "labels": _labels(owner),
        "ownerReferences": [dict(owner.reference)],
    }
    return {**metadata, "annotations": annotations} if annotations else metadata


def _selector(owner: Owner) -> dict[str, str]:
    """A Deployment's selector can never change: name and connector alone."""
    return {"app.kubernetes.io/name": "apono-connector", CONNECTOR_LABEL: owner.label}


def _labels(owner: Owner) -> dict[str, str]:
    return {
        **_selector(owner),
        "app.kubernetes.io/instance": owner.label,
        "app.kubernetes.io/component": "connector",
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }


def _hashed(manifest: Manifest, owner: Owner) -> Manifest:
    """Mark *manifest* with a hash of itself: another hash on the server means that a field may have to go."""
    digest = _keyed_hash(owner, json.dumps(manifest, sort_keys=True))
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), DESIRED_HASH_ANNOTATION: digest}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _keyed_hash(owner: Owner, text: str) -> str:
    """Hash *text* under the owner's uid, so that equal tokens of two connectors do not show as equal."""
    return hmac.new(owner.uid.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]
