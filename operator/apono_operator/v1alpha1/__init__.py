"""The API ``apono.io/v1alpha1``: what users write, what the operator answers. Pure: no I/O, no clock.

Everything here is the source of the custom resource definition (see `apono_operator.crds`): descriptions
become ``kubectl explain``, patterns and CEL rules become the API server's own validation.
"""

from apono_operator.v1alpha1.condition import Condition, ConditionStatus, ConditionType
from apono_operator.v1alpha1.connector import (
    AponoConnectorSpec,
    DeletionPolicy,
    DriftPolicy,
    Mode,
    PermissionSet,
    Target,
    TokenSecretRef,
)
from apono_operator.v1alpha1.deployment import (
    ConnectorDeployment,
    EnvVar,
    ResourceRequirements,
    SecurityOverrides,
    Toleration,
)
from apono_operator.v1alpha1.reason import Reason
from apono_operator.v1alpha1.status import AponoConnectorStatus, MemberAccounts

GROUP = "apono.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "AponoConnector"
PLURAL = "aponoconnectors"
SINGULAR = "aponoconnector"
SHORT_NAME = "apc"
CATEGORY = "apono"

FINALIZER = f"{GROUP}/connector-cleanup"
RECONCILE_AT = f"{GROUP}/reconcile-at"
"""Annotation: any new value asks for a look at everything, now."""

__all__ = [
    "API_VERSION",
    "CATEGORY",
    "FINALIZER",
    "GROUP",
    "KIND",
    "PLURAL",
    "RECONCILE_AT",
    "SHORT_NAME",
    "SINGULAR",
    "VERSION",
    "AponoConnectorSpec",
    "AponoConnectorStatus",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "ConnectorDeployment",
    "DeletionPolicy",
    "DriftPolicy",
    "EnvVar",
    "MemberAccounts",
    "Mode",
    "PermissionSet",
    "Reason",
    "ResourceRequirements",
    "SecurityOverrides",
    "Target",
    "TokenSecretRef",
    "Toleration",
]
