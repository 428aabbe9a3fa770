"""Conditions as in the Kubernetes API conventions (metav1.Condition)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from apono_operator.v1alpha1.schema import ApiModel


class ConditionStatus(StrEnum):
    """The three values of a condition's status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """The conditions of an AponoConnector; the first is the sum of those that follow it."""

    explanation: str

    def __new__(cls, value: str, explanation: str) -> ConditionType:  # noqa: PYI034 -- enums make their own members
        """Make a member that knows what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        return member

    READY = (
        "Ready",
        "All of the conditions below are True. `kubectl wait --for=condition=Ready` waits for it.",
    )
    ACCEPTED = "Accepted", "The manifest is valid, and the administrator's grants allow it."
    CREDENTIALS_VALID = "CredentialsValid", "The operator's AWS credentials work, in the account asked for."
    OIDC_PROVIDER_READY = "OIDCProviderReady", "IAM trusts this cluster's ServiceAccount tokens."
    ORGANIZATION_READY = (
        "OrganizationReady",
        "Not in mode `Account`: organization, features and unit are as asked, and no role is in the way.",
    )
    TOKEN_AVAILABLE = "TokenAvailable", "The connector token is in its Secret."
    CONNECTOR_ROLE_READY = "ConnectorRoleReady", "The connector role is in IAM as asked."
    TRUSTED_ACCESS_ENABLED = (
        "TrustedAccessEnabled",
        "Not in mode `Account`: StackSets may act throughout the organization. If not, the stack stays as it is.",
    )
    MANAGEMENT_STACK_READY = (
        "ManagementStackReady",
        "Not in mode `Account`: the management-account stack is as asked; a role in it trusts the connector role.",
    )
    DEPLOYMENT_AVAILABLE = "DeploymentAvailable", "The connector's pods run, with the connector role."
    IDENTITY_CENTER_FOUND = (
        "IdentityCenterFound",
        "Not in mode `Account`: the organization has IAM Identity Center. `Ready` does not depend on it.",
    )
    MEMBER_ACCOUNTS_READY = (
        "MemberAccountsReady",
        "Not in mode `Account`: every account below the unit has its role. `Ready` does not depend on it.",
    )
    RECONCILING = "Reconciling", "Only while True: the operator is working towards the manifest."
    STALLED = "Stalled", "Only while True: nothing will change until somebody corrects something."
    UNCONFIRMED = (
        "Unconfirmed",
        "Only while True: what was as asked could not be looked at again; the Reason says why. It is tried on.",
    )
    DRIFTED = "Drifted", "Only while True: others changed the role or the children; the message says what differs."
    SUSPENDED = "Suspended", "Only while True: `spec.suspend` is true, and nothing is changed."
    CONTESTED = (
        "Contested",
        "Only while True: another installation is set up for the connector as well, and leaves it alone.",
    )
    DELETION_BLOCKED = "DeletionBlocked", "Only while True: the deletion cannot go on; the message says why."


def _a_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class Condition(ApiModel):
    """One aspect of the connector's state."""

    type: Annotated[
        str,
        Field(
            description="Type of the condition in CamelCase.",
            max_length=316,
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
            r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    ]
    status: Annotated[ConditionStatus, Field(description="True, False or Unknown.")]
    reason: Annotated[
        str,
        Field(
            description="Why the condition has this status, in CamelCase, from a documented set.",
            min_length=1,
            max_length=1024,
            pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        ),
    ]
    message: Annotated[
        str, Field(description="What is the matter and what to do about it, for people.", max_length=32768)
    ]
    last_transition_time: Annotated[
        str,
        Field(
            description="When the status last changed.",
            json_schema_extra={"format": "date-time"},
        ),
        AfterValidator(_a_time),
    ]
    observed_generation: Annotated[
        StrictInt | None,
        Field(
            description="The metadata.generation that this condition speaks of.",
            ge=0,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
