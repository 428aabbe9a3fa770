"""The kinds of change, as data: whatever may be asked for otherwise, and whatever somebody may do by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from apono_operator.state.resources import Owner
from sandbox.aws import Account
from tests.adapters.aws.connection import allowing, customer_policy
from tests.sweeps.evidence import Place
from tests.sweeps.operations import Change, Creation, Deletion, Life, Operation, Setting
from tests.sweeps.world import World

EXTRA = "arn:aws:iam::aws:policy/job-function/Billing"
INLINE = "apono-connector"
IMAGE = "registry.apono.io/apono-connector:v2"


def asked(**spec: Any) -> Setting:
    """Ask for it in the spec."""
    return Setting(spec=spec)


def decided(**administration: Any) -> Setting:
    """Let the administrator decide so."""
    return Setting(administration=administration)


def bounded(account: Account, name: str) -> Setting:
    """Let the administrator put a boundary around ReadOnly."""
    return decided(permissions_boundaries={"ReadOnly": customer_policy(account, name)})


def everything(account: Account) -> Setting:
    """Ask for all that may be asked for."""
    boundary = customer_policy(account, "boundary-of-everything")
    return Setting(
        spec={
            "permissions": "FullAccess",
            "role": {"managedPolicyArns": [EXTRA], "tags": {"team": "a"}},
            "deployment": {"replicas": 2, "image": IMAGE},
        },
        administration={
            "permissions_boundaries": {"FullAccess": boundary},
            "max_session_duration": 7200,
            "role_tags": {"cost": "1"},
        },
    )


PLAIN = Setting()

ASKED = {
    "permissions": (asked(permissions="ReadOnly"), asked(permissions="FullAccess")),
    "a managed policy": (PLAIN, asked(role={"managedPolicyArns": [EXTRA]})),
    "tags": (
        asked(role={"tags": {"team": "a", "old": "x"}}),
        asked(role={"tags": {"team": "b", "new": "x"}}),
    ),
    "image, replicas and variables": (
        PLAIN,
        asked(deployment={"image": IMAGE, "replicas": 3, "env": [{"name": "LOG_LEVEL", "value": "debug"}]}),
    ),
    "an own pull secret": (PLAIN, asked(deployment={"imagePullSecrets": [{"name": "own"}]})),
    "the token": (PLAIN, Setting(token="second")),
    "the administrator's settings": (
        PLAIN,
        decided(max_session_duration=7200, role_tags={"cost": "1"}, apono_url="eu.apono.io"),
    ),
}


# --- what somebody may do by hand -------------------------------------------------------------------------------------


def spoil_trust(place: Place, owner: Owner) -> None:
    principal = {"AWS": f"{place.account.arn_prefix}root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    place.account.client("iam").update_assume_role_policy(RoleName=place.role_name(owner), PolicyDocument=document)


def spoil_permissions(world: World, owner: Owner) -> None:
    iam, role = world.account.client("iam"), world.role_name(owner)
    iam.put_role_policy(RoleName=role, PolicyName=INLINE, PolicyDocument=allowing("iam:*").json)
    iam.detach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")


def spoil_settings(place: Place, owner: Owner) -> None:
    iam, role = place.account.client("iam"), place.role_name(owner)
    iam.update_role(RoleName=role, Description="by hand", MaxSessionDuration=43200)
    iam.untag_role(RoleName=role, TagKeys=["apono.io/managed-by"])


def delete_role(world: World, owner: Owner) -> None:
    iam, role = world.account.client("iam"), world.role_name(owner)
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role_policy(RoleName=role, PolicyName=INLINE)
    iam.delete_role(RoleName=role)


def delete_children(world: World, owner: Owner) -> None:
    for kind in ("Deployment", "ServiceAccount", "Secret"):
        world.namespace.delete(kind, owner.child_name)


def change_beyond_repair(world: World, owner: Owner) -> None:
    variable = {"name": "APONO_TOKEN", "value": "x", "valueFrom": None}
    containers = [{"name": "connector", "env": [variable]}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    world.namespace.strategic_patch("Deployment", owner.child_name, change)


SEEN_HOURLY = ("permissions spoilt",)
BY_HAND: dict[str, Callable[[World, Owner], object]] = {
    "trust spoilt": spoil_trust,
    "permissions spoilt": spoil_permissions,
    "settings of the role spoilt": spoil_settings,
    "role deleted": delete_role,
    "children deleted": delete_children,
    "Deployment changed beyond repair": change_beyond_repair,
}


def changes(account: Account) -> dict[str, Change]:
    """All kinds of change, by name."""
    boundaries = {
        "a boundary": (PLAIN, bounded(account, "boundary-a")),
        "another boundary": (bounded(account, "boundary-a"), bounded(account, "boundary-b")),
        "everything": (PLAIN, everything(account)),
    }
    ends = {**ASKED, **boundaries}
    return {
        **{name: Change(name, here, there) for name, (here, there) in ends.items()},
        **{name: Change(name, PLAIN, PLAIN, by_hand, name in SEEN_HOURLY) for name, by_hand in BY_HAND.items()},
    }


NAMES = (*ASKED, "a boundary", "another boundary", "everything", *BY_HAND)


def creation(world: World) -> list[Operation]:
    """Create a connector with all that may be asked for."""
    return [Creation(world, "creation", everything(world.account))]


def life(world: World) -> list[Operation]:
    """Create and delete a connector with all that may be asked for."""
    return [Life(world, "creation and deletion", everything(world.account))]


def deletion(world: World) -> list[Operation]:
    """Delete a connector with all that may be asked for."""
    return [Deletion(world, "deletion", everything(world.account))]


def retaining_deletion(world: World) -> list[Operation]:
    """Delete a connector whose role is to stay."""
    return [Deletion(world, "deletion that retains the role", asked(deletionPolicy="Retain"))]
