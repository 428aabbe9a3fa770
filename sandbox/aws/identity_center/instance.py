"""An instance of IAM Identity Center."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "ACTIVE"]


@dataclass
class Instance:
    """The instance of an organization, which its management account enables in a console, in a region of its choice.

    Attributes:
        region: Where it is.
        status: May be set.
        id: The end of its ARN.
        identity_store_id: The directory that it stands on.
    """

    region: str
    status: Status = "ACTIVE"
    id: str = field(default_factory=lambda: f"ssoins-{secrets.token_hex(8)}")
    identity_store_id: str = field(default_factory=lambda: f"d-{secrets.token_hex(5)}")
