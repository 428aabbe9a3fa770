"""Permissions of IAM Identity Center.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM Identity Center".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.aws.permissions.permission import Permissions, needing

PERMISSIONS: Final[Mapping[str, Permissions]] = {"ListInstances": needing("sso:ListInstances")}
"""By operation."""
