"""How the connector's pods run: what a user may choose about the Deployment."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from apono_operator.v1alpha1.schema import ATOMIC_MAP, LIST_SET, ApiModel, JsonSchema, cel, list_map

# Kubernetes "Names and IDs", "Labels and Selectors", "Quantity".
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
LABEL_KEY = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
IMAGE = (
    r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)

OWN_METADATA = ("apono.io/", "app.kubernetes.io/", "eks.amazonaws.com/", "argocd.argoproj.io/")

LabelKey = Annotated[str, Field(min_length=1, max_length=317, pattern=LABEL_KEY)]
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]
AnnotationValue = Annotated[str, Field(max_length=4096)]
Quantity = Annotated[str, Field(min_length=1, max_length=32, pattern=QUANTITY)]


def _keys_outside_own_metadata(what: str) -> list[JsonSchema]:
    condition = " || ".join(f"k.startsWith('{prefix}')" for prefix in OWN_METADATA)
    names = ", ".join(f"{prefix}*" for prefix in OWN_METADATA)
    return [cel(f"!self.exists(k, {condition})", f"{what} of {names} are set by the operator: remove them")]


def _keys_are_label_keys() -> JsonSchema:
    return cel(
        f"self.all(k, k.size() <= 317 && k.matches(r'{LABEL_KEY}'))",
        "keys must be label keys: an optional DNS prefix and a slash, then up to 63 letters, digits, '-', '_' or '.'",
    )


class SecretName(ApiModel):
    """A Secret in the connector's own namespace."""

    name: Annotated[str, Field(description="Name of the Secret.", min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]


class EnvVar(ApiModel):
    """One more environment variable for the connector's container."""

    schema_extension: ClassVar[JsonSchema] = {
        "x-kubernetes-validations": [
            cel(
                "!self.name.startsWith('AWS_') && !(self.name in ['APONO_TOKEN', 'APONO_CONNECTOR_ID', 'APONO_URL'])",
                "APONO_TOKEN, APONO_CONNECTOR_ID, APONO_URL and AWS_* are set by the operator and by EKS: remove them",
            )
        ]
    }

    name: Annotated[
        str,
        Field(
            description="Name of the variable.",
            min_length=1,
            max_length=253,
            pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        ),
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


class Toleration(ApiModel):
    """A taint of a node that the pods accept."""

    schema_extension: ClassVar[JsonSchema] = {
        **ATOMIC_MAP,
        "x-kubernetes-validations": [
            cel(
                "self.operator == 'Equal' ? has(self.key) : !has(self.value)",
                "operator Equal needs a key; operator Exists takes no value",
            )
        ],
    }

    operator: Annotated[TolerationOperator, Field(description="Exists or Equal.")]
    key: Annotated[
        str | None,
        Field(
            description="Key of the taint; none with Exists means every taint.",
            min_length=1,
            max_length=317,
            pattern=LABEL_KEY,
        ),
    ] = None
    value: Annotated[
        str | None, Field(description="Value of the taint, with Equal.", max_length=63, pattern=LABEL_VALUE)
    ] = None
    effect: Annotated[TaintEffect | None, Field(description="Effect of the taint; none means every effect.")] = None


class SecurityOverrides(ApiModel):
    """What may be loosened or pinned in the pods' security context, which is 'restricted' otherwise."""

    run_as_user: Annotated[
        int | None,
        Field(
            description="User id of the container's process. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    run_as_group: Annotated[
        int | None,
        Field(
            description="Group id of the container's process. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    fs_group: Annotated[
        int | None,
        Field(
            description="Group that owns mounted volumes. Default: 65532.",
            ge=0,
            le=2147483647,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    run_as_non_root: Annotated[
        bool | None,
        Field(
            description="Refuse to run as root. Default: true. An image that needs root wants false and runAsUser 0."
        ),
    ] = None
    read_only_root_filesystem: Annotated[
        bool | None,
        Field(
            description="Mount the container's root file system read-only. Default: false, because the connector writes below /tmp and its home."
        ),
    ] = None


class ConnectorDeployment(ApiModel):
    """The Deployment of the connector. Everything has a working default."""

    replicas: Annotated[
        int,
        Field(
            description="Number of pods; more than one is Apono's active-active high availability under one connector id.",
            ge=1,
            le=10,
            json_schema_extra={"format": "int32"},
        ),
    ] = 1
    image: Annotated[
        str | None,
        Field(
            description="Image of the connector, by tag or digest, from a registry that the administrator allows. Default: the operator's setting.",
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
        list[SecretName] | None,
        Field(
            description="Secrets with registry credentials. Default: one made by the operator from the connector token, which is the password of Apono's registry.",
            min_length=1,
            max_length=10,
            json_schema_extra=list_map("name"),
        ),
    ] = None
    resources: Annotated[
        ResourceRequirements | None,
        Field(description="CPU and memory. Default: requests {cpu: 500m, memory: 1G}, limits {cpu: '1', memory: 2G}."),
    ] = None
    env: Annotated[
        list[EnvVar] | None,
        Field(
            description="More environment variables, for example proxies.",
            max_length=50,
            json_schema_extra=list_map("name"),
        ),
    ] = None
    pod_labels: Annotated[
        dict[str, LabelValue] | None,
        Field(
            description="More labels for the pods.",
            max_length=20,
            json_schema_extra={
                "x-kubernetes-validations": [*_keys_outside_own_metadata("labels"), _keys_are_label_keys()]
            },
        ),
    ] = None
    pod_annotations: Annotated[
        dict[str, AnnotationValue] | None,
        Field(
            description="More annotations for the pods.",
            max_length=20,
            json_schema_extra={
                "x-kubernetes-validations": [
                    *_keys_outside_own_metadata("annotations"),
                    _keys_are_label_keys(),
                ]
            },
        ),
    ] = None
    node_selector: Annotated[
        dict[str, LabelValue] | None,
        Field(
            description="Labels that a node must have.",
            max_length=20,
            json_schema_extra={"x-kubernetes-validations": [_keys_are_label_keys()]},
        ),
    ] = None
    tolerations: Annotated[
        list[Toleration] | None,
        Field(description="Taints that the pods accept.", max_length=20, json_schema_extra=LIST_SET),
    ] = None
    priority_class_name: Annotated[
        str | None,
        Field(description="Priority class of the pods.", min_length=1, max_length=253, pattern=DNS_SUBDOMAIN),
    ] = None
    automount_service_account_token: Annotated[
        bool,
        Field(description="Give the pods a Kubernetes API token as well. The role works without it."),
    ] = False
    security_context: Annotated[
        SecurityOverrides | None,
        Field(description="Overrides of the restricted security context."),
    ] = None

    def model_post_init(self, _context: Any, /) -> None:
        """Check what the schema says in CEL and pydantic cannot read there.

        Raises:
            ValueError: if an environment variable, label or annotation is the operator's own.
        """
        for variable in self.env or ():
            if variable.name.startswith("AWS_") or variable.name in {
                "APONO_TOKEN",
                "APONO_CONNECTOR_ID",
                "APONO_URL",
            }:
                raise ValueError(f"env {variable.name} is set by the operator or by EKS: remove it")
        for key in (*(self.pod_labels or ()), *(self.pod_annotations or ())):
            if key.startswith(OWN_METADATA):
                raise ValueError(f"label or annotation {key} is set by the operator: remove it")
