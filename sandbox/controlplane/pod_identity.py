"""What EKS' webhook does to a pod, as pure functions (aws/amazon-eks-pod-identity-webhook, pkg/handler)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

DOMAIN = "eks.amazonaws.com"
ROLE_ARN = f"{DOMAIN}/role-arn"
SKIP_LABEL = f"{DOMAIN}/skip-pod-identity-webhook"
VOLUME = "aws-iam-token"
MOUNT_PATH = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
TOKEN_FILE = f"{MOUNT_PATH}/token"
DEFAULT_AUDIENCE = "sts.amazonaws.com"
DEFAULT_EXPIRATION_SECONDS = 86_400
SHORTEST_EXPIRATION_SECONDS = 600

Json = dict[str, Any]


@dataclass(frozen=True)
class Identity:
    """What a pod gets: the role, the region, and the projected token's audience and lifetime in seconds."""

    role_arn: str
    region: str
    audience: str
    expiration_seconds: int
    regional_sts: bool
    skipped_containers: frozenset[str]


def identity_of(pod: Json, service_account: Json, region: str) -> Identity | None:
    """The identity that the ServiceAccount's and the pod's annotations ask for; None without a role."""
    annotations = _annotations(service_account)
    role_arn = annotations.get(ROLE_ARN)
    if not role_arn:
        return None
    own = _seconds(annotations.get(f"{DOMAIN}/token-expiration"), DEFAULT_EXPIRATION_SECONDS)
    return Identity(
        role_arn=role_arn,
        region=region,
        audience=annotations.get(f"{DOMAIN}/audience", DEFAULT_AUDIENCE),
        expiration_seconds=_seconds(_annotations(pod).get(f"{DOMAIN}/token-expiration"), own),
        regional_sts=annotations.get(f"{DOMAIN}/sts-regional-endpoints", "true") == "true",
        skipped_containers=_skipped(_annotations(pod)),
    )


def patch(pod: Json, identity: Identity) -> list[Json]:
    """The JSON Patch (RFC 6902) that gives the pod this identity; what the pod sets itself stays."""
    spec = pod["spec"]
    volumes = spec.get("volumes") or []
    operations = [
        {"op": "add", "path": f"/spec/{kind}", "value": [_with_identity(one, identity) for one in spec[kind]]}
        for kind in ("containers", "initContainers")
        if spec.get(kind)
    ]
    if not any(volume["name"] == VOLUME for volume in volumes):
        operations.append({"op": "add", "path": "/spec/volumes", "value": [_token_volume(identity), *volumes]})
    return operations


def _with_identity(container: Json, identity: Identity) -> Json:
    if container["name"] in identity.skipped_containers:
        return container
    mounts = container.get("volumeMounts") or []
    if not any(mount["name"] == VOLUME for mount in mounts):
        mounts = [*mounts, {"name": VOLUME, "readOnly": True, "mountPath": MOUNT_PATH}]
    environment = container.get("env") or []
    return {**container, "env": [*environment, *_missing(environment, identity)], "volumeMounts": mounts}


def _missing(environment: list[Json], identity: Identity) -> list[Json]:
    """The variables to add: a group is left alone as a whole when the container sets one of it."""
    groups = [
        {"AWS_STS_REGIONAL_ENDPOINTS": "regional"} if identity.regional_sts else {},
        {"AWS_DEFAULT_REGION": identity.region, "AWS_REGION": identity.region},
        {"AWS_ROLE_ARN": identity.role_arn, "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE},
    ]
    present = {variable["name"] for variable in environment}
    return [
        {"name": name, "value": value} for group in groups if present.isdisjoint(group) for name, value in group.items()
    ]


def _token_volume(identity: Identity) -> Json:
    token = {"audience": identity.audience, "expirationSeconds": identity.expiration_seconds, "path": "token"}
    return {"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}}


def _annotations(resource: Json) -> dict[str, str]:
    return resource.get("metadata", {}).get("annotations") or {}


def _seconds(text: str | None, default: int) -> int:
    if text is None or not text.isdecimal():
        return default
    return max(int(text), SHORTEST_EXPIRATION_SECONDS)


def _skipped(annotations: dict[str, str]) -> frozenset[str]:
    listed = annotations.get(f"{DOMAIN}/skip-containers", "")
    return frozenset(next(csv.reader([listed]), []))
