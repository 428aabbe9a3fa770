"""How the connector's pods run: what a user may choose about the Deployment."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool, StrictInt

from apono_operator.v1alpha1.scalars import (
    METADATA_KEYS,
    AnnotationValue,
    LabelKey,
    LabelValue,
    ObjectName,
    Quantity,
    foreign_to_the_operator,
)
from apono_operator.v1alpha1.schema import ApiModel, ListType, Rule

PodAnnotations = Annotated[
    dict[str, AnnotationValue], Field(max_length=20), foreign_to_the_operator("annotations"), METADATA_KEYS
]
PodLabels = Annotated[dict[str, LabelValue], Field(max_length=20), foreign_to_the_operator("labels"), METADATA_KEYS]
NodeSelector = Annotated[dict[str, LabelValue], Field(max_length=20), METADATA_KEYS]

# Docker's reference grammar (distribution/reference), without the forms that nobody writes.
IMAGE = (
    r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)

OWN_VARIABLES = ("APONO_", "AWS_")
"""Prefixes of variables that the operator and EKS set, or that change what the connector talks to, and how."""


def _is_for_users(name: str) -> bool:
    return not name.startswith(OWN_VARIABLES)


_FOREIGN_VARIABLE = Rule(
    " && ".join(f"!self.startsWith('{prefix}')" for prefix in OWN_VARIABLES),
    f"{' and '.join(f'{prefix}*' for prefix in OWN_VARIABLES)} are set by the operator and by EKS: remove them",
    _is_for_users,
)

# Source: Kubernetes documentation, "Pod Priority and Preemption": such classes are those of the cluster's own parts.
_FOREIGN_PRIORITY = Rule(
    "!self.startsWith('system-')",
    "priority classes system-* are the cluster's own: choose another",
    lambda name: not name.startswith("system-"),
)


class SecretName(ApiModel):
    """A Secret in the connector's own namespace."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]


class EnvVar(ApiModel):
    """One more environment variable for the connector's container."""

    name: Annotated[
        str,
        Field(
            description="Name of the variable.",
            min_length=1,
            max_length=253,
            pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        ),
        _FOREIGN_VARIABLE,
    ]
    value: Annotated[str, Field(description="Its value, in clear: keep secrets out of it.", max_length=4096)]


class ResourceRequirements(ApiModel):
    """CPU and memory of the connector's container."""

    requests: Annotated[
        dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity] | None,
        Field(description="What the scheduler reserves, for example {cpu: 500m, memory: 1G}.", max_length=3),
    ] = None
    limits: Annotated[
        dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity] | None,
        Field(
            description="What the container may use at most, for example {cpu: '1', memory: 2G}.",
            max_length=3,
        ),
    ] = None


class TolerationOperator(StrEnum):
    """How a toleration's key relates to its value."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """The taint effects of Kubernetes."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


_VALUE_FITS = Rule(
    "self.operator == 'Equal' || !has(self.value)",
    "operator Exists takes no value: remove it, or write operator Equal",
    lambda toleration: toleration.operator is TolerationOperator.EQUAL or toleration.value is None,
)


class Toleration(ApiModel):
    """A taint of a node that the pods accept."""

    rules: ClassVar[tuple[Rule, ...]] = (_VALUE_FITS,)

    key: Annotated[LabelKey, Field(description="Key of the taint.")]
    operator: Annotated[
        TolerationOperator,
        Field(description="Exists: whatever the taint's value. Equal: the value below, which is empty if left out."),
    ]
    effect: Annotated[TaintEffect, Field(description="Effect of the taint.")]
    value: Annotated[LabelValue | None, Field(description="Value of the taint, with Equal.")] = None


class SecurityOverrides(ApiModel):
    """What may be loosened or pinned in the pods' security context, which is 'restricted' otherwise."""

    run_as_user: Annotated[
        StrictInt | None,
        Field(
            description="User id of the container's process. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    run_as_group: Annotated[
        StrictInt | None,
        Field(
            description="Group id of the container's process. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    fs_group: Annotated[
        StrictInt | None,
        Field(
            description="Group that owns mounted volumes. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    run_as_non_root: Annotated[
        StrictBool | None,
        Field(
            description="Refuse to run as root. Default: true. An image that needs root wants false and runAsUser 0."
        ),
    ] = None
    read_only_root_filesystem: Annotated[
        StrictBool | None,
        Field(
            description="Mount the container's root file system read-only. Default: false, because the connector "
            "writes below /tmp and its home."
        ),
    ] = None


class ConnectorDeployment(ApiModel):
    """The Deployment of the connector. Everything has a working default."""

    replicas: Annotated[
        StrictInt,
        Field(
            description="Number of pods; more than one is Apono's active-active high availability under one "
            "connector id.",
            ge=1,
            le=10,
            json_schema_extra={"format": "int32"},
        ),
    ] = 1
    image: Annotated[
        str | None,
        Field(
            description="Image of the connector, by tag or digest, from a registry that the administrator allows. "
            "Default: the operator's setting.",
            min_length=1,
            max_length=512,
            pattern=IMAGE,
        ),
    ] = None
    image_pull_policy: Annotated[
        Literal["Always", "IfNotPresent", "Never"] | None,
        Field(description="When the node pulls the image. Default: Kubernetes' own."),
    ] = None
    image_pull_secrets: Annotated[
        Annotated[list[SecretName], Field(min_length=1, max_length=10), ListType(("name",))] | None,
        Field(
            description="Secrets with registry credentials. Default: one made by the operator from the connector "
            "token, which is the password of Apono's registry.",
        ),
    ] = None
    resources: Annotated[
        ResourceRequirements | None,
        Field(description="CPU and memory. Default: requests {cpu: 500m, memory: 1G}, limits {cpu: '1', memory: 2G}."),
    ] = None
    env: Annotated[
        Annotated[list[EnvVar], Field(max_length=50), ListType(("name",))] | None,
        Field(
            description="More environment variables, such as proxies; each name must be on the administrator's list."
        ),
    ] = None
    pod_labels: Annotated[
        PodLabels | None,
        Field(description="More labels for the pods; each key must be on the administrator's list."),
    ] = None
    pod_annotations: Annotated[
        PodAnnotations | None,
        Field(description="More annotations for the pods; each key must be on the administrator's list."),
    ] = None
    node_selector: Annotated[
        NodeSelector | None,
        Field(description="Labels that a node must have."),
    ] = None
    tolerations: Annotated[
        Annotated[list[Toleration], Field(max_length=20), ListType(("key", "operator", "effect"))] | None,
        Field(description="Taints that the pods accept."),
    ] = None
    priority_class_name: Annotated[
        Annotated[ObjectName, _FOREIGN_PRIORITY] | None,
        Field(description="Priority class of the pods."),
    ] = None
    automount_service_account_token: Annotated[
        StrictBool,
        Field(description="Give the pods a Kubernetes API token as well. The role works without it."),
    ] = False
    security_context: Annotated[
        SecurityOverrides | None,
        Field(description="Overrides of the restricted security context."),
    ] = None
