"""Permissions boundaries of the roles that stacks make in the management account.

They allow what the role's own policy names and nothing else, in fewer places where that keeps it from other ways in:
of SAML providers, the ones that Identity Center makes for itself. Whoever replaced another one's metadata could log in
to every role that trusts it.

Source: IAM Identity Center User Guide, "Identity-based policy examples", which names these providers.
"""

from __future__ import annotations

from apono_operator.bootstrap.documents import Document, allow, policy
from apono_operator.state.permissions import MANAGEMENT_STATEMENTS, PolicyStatement, statements_of
from apono_operator.v1alpha1 import PermissionSet

_ANY_SAML_PROVIDER = ":saml-provider/*"
_IDENTITY_CENTERS_OWN = ":saml-provider/AWSSSO_*"


def of(permission_set: PermissionSet) -> Document:
    """Return the boundary of management roles with *permission_set*, with the blank partition."""
    return policy(_statement(row) for row in statements_of(permission_set, MANAGEMENT_STATEMENTS))


def _statement(row: PolicyStatement) -> Document:
    resources = [resource.replace(_ANY_SAML_PROVIDER, _IDENTITY_CENTERS_OWN) for resource in row.resources]
    return allow(row.sid, row.actions, resources)
