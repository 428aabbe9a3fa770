"""What is there of a connector in AWS and in the cluster, without what differs from one connector to the next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from apono_operator.state.resources import Owner
from sandbox.aws import Account, Calls, FrontDoor
from tests.scenarios.cluster import Cluster, Document


class Place(Protocol):
    """Where to look."""

    @property
    def namespace(self) -> Cluster:
        """The namespace of the connectors."""

    @property
    def aws(self) -> FrontDoor:
        """AWS."""

    @property
    def account(self) -> Account:
        """The account of the roles."""

    def connector(self, owner: Owner) -> Document | None:
        """Return the connector, None once it is gone."""

    def role_name(self, owner: Owner) -> str:
        """Return the name of the connector's role, if there is one."""


CHILDREN = ("ServiceAccount", "Secret", "Deployment")
_UNIQUE = ("connectorRoleId", "managementStackId", "previousConnectorRoleId")
"""Fields of the status that hold what AWS never gives twice."""


def of_connector(place: Place, owner: Owner) -> Document:
    """Return all there is of a connector: the connector itself, its role, its children."""
    connector, role = place.connector(owner), role_of(place.account, place.role_name(owner))
    return {
        "status": _status(connector) if connector else None,
        "status names the role": bool(connector and role) and _names(connector or {}, role or {}),
        "role": _without(role, "RoleId", "Arn"),
        "children": {kind: _child(place, kind, owner) for kind in CHILDREN},
    }


def impersonal(found: Document, owner: Owner) -> Document:
    """Leave out what is another with each connector: name, uid, and what is hashed with them."""
    text = json.dumps(found, sort_keys=True).replace(owner.uid, "UID")
    text = re.sub(r'("[A-Za-z./]+-?[Hh]ash": )"[0-9a-f.]+"', r'\1"HASH"', text)
    text = re.sub(rf"{re.escape(owner.name)}-[0-9a-f]{{10}}\b", "NAME-HASH", text).replace(owner.name, "NAME")
    plain: Document = json.loads(text)
    return plain


def creations(place: Place, owner: Owner, mark: int) -> Mapping[str, int]:
    """How often what there is for the connector was made since *mark* of the call log."""
    return {"role": roles_made(place.aws.calls.since(mark), place.account, place.role_name(owner))}


def roles_made(calls: Calls, account: Account, name: str) -> int:
    """How many roles of a name were made by *calls*."""
    created = calls.of(operation="CreateRole", account=account, parameters={"RoleName": name})
    return sum(call.applied for call in created)


def role_of(account: Account, name: str) -> Document | None:
    """Return a role with all that hangs on it, None if there is none."""
    iam = account.client("iam")
    try:
        role: Any = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "Arn": role["Arn"],
        "RoleId": role["RoleId"],
        "trust": role["AssumeRolePolicyDocument"],
        "inline": {
            one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in sorted(policies)
        },
        "attached": sorted(policy["PolicyArn"] for policy in attached),
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tags": {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())},
        "session": role["MaxSessionDuration"],
        "description": role.get("Description"),
    }


def _names(connector: Document, role: Document) -> bool:
    status = connector.get("status", {})
    return (status.get("connectorRoleArn"), status.get("connectorRoleId")) == (role["Arn"], role["RoleId"])


def _status(connector: Document) -> Document:
    status = connector.get("status", {})
    generation = connector["metadata"]["generation"]
    return {
        **_without(status, *_UNIQUE, "conditions", "observedGeneration"),
        "had another role": "previousConnectorRoleId" in status,
        "current": status.get("observedGeneration") == generation,
        "conditions": {
            one["type"]: [one["status"], one["reason"], one["message"], one["observedGeneration"] == generation]
            for one in status.get("conditions", ())
        },
    }


def _child(place: Place, kind: str, owner: Owner) -> Document | None:
    child = place.namespace.get(kind, owner.child_name)
    if child is None:
        return None
    metadata = child["metadata"]
    return {
        "labels": metadata.get("labels"),
        "annotations": _without(metadata.get("annotations", {}), "deployment.kubernetes.io/revision"),
        "owners": metadata.get("ownerReferences"),
        "content": {name: child.get(name) for name in ("spec", "data", "type", "automountServiceAccountToken")},
    }


def _without(document: Document | None, *names: str) -> Any:
    return None if document is None else {key: value for key, value in document.items() if key not in names}
