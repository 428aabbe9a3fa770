"""Names that the documents share.

All of them lie outside ``apono-*``: connectors may assume roles of such names, and the role that CloudFormation acts
with may make and change them. So neither reaches what draws its limits.
"""

from __future__ import annotations

from apono_operator.state.resources import CHILD_PREFIX
from apono_operator.v1alpha1 import PermissionSet

OPERATOR_ROLE_PREFIX = "connector-operator"
"""Names of operators' roles begin with it; boundaries guard all of them."""

MANAGEMENT_ROLE = f"{OPERATOR_ROLE_PREFIX}-management"
"""The role that the operator assumes in the management account."""

CLOUDFORMATION_ROLE = f"{OPERATOR_ROLE_PREFIX}-cloudformation"
"""The role that CloudFormation acts with in the management account."""

BOUNDARY_PREFIX = "connector-boundary-"
GRANTED_BOUNDARY = f"{BOUNDARY_PREFIX}Granted"
"""The boundary of what connectors make and grant to."""

CONNECTOR_ROLES = f"role/{CHILD_PREFIX}*"
CONNECTOR_ROLES_ELSEWHERE = f"role/*/{CHILD_PREFIX}*"
"""Roles of such names with a path: others make them, and they are in the way of one without."""

STACKS = "stack/apono-*/*"
CHANGE_SETS = "changeSet/apono-*/*"
STACK_SETS = "stackset/apono-*:*"
STACK_SET_TARGETS = "stackset-target/apono-*:*/*"


def boundary(permission_set: PermissionSet) -> str:
    """Return the name of the boundary of connector roles with *permission_set*."""
    return f"{BOUNDARY_PREFIX}{permission_set}"


def management_boundary(permission_set: PermissionSet) -> str:
    """Return the name of the boundary of roles that stacks make in the management account."""
    return f"{BOUNDARY_PREFIX}management-{permission_set}"
