"""`AWS::IAM::ManagedPolicy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from sandbox.aws.cloudformation.resources.handler import ImmediateHandler, Made, Place, ServiceCall, fail
from sandbox.aws.cloudformation.resources.iam_documents import document_text, ignoring_missing, shown_document
from sandbox.aws.cloudformation.resources.schema import Properties, Schema
from sandbox.aws.errors import AwsError

_FIRST_PAGE: Final[Mapping[str, Any]] = {"IsTruncated": True, "Marker": "0"}


class IamManagedPolicy(ImmediateHandler):
    """A managed policy, attached to some roles; users and groups are not modelled."""

    type: ClassVar = "AWS::IAM::ManagedPolicy"
    schema: ClassVar = Schema(
        properties={
            "Description": "String",
            "ManagedPolicyName": "String",
            "Path": "String",
            "PolicyDocument": "JSONObject",
            "Roles": "Array of String",
        },
        required=frozenset({"PolicyDocument"}),
        create_only=frozenset({"Description", "ManagedPolicyName", "Path"}),
        unmodelled=frozenset({"Groups", "Tags", "Users"}),
        attributes=frozenset({"PolicyArn", "PolicyId"}),
        name="ManagedPolicyName",
        capability="CAPABILITY_IAM",
        identifiers=("PolicyArn",),
    )

    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Make the policy and attach it."""
        name = str(properties.get("ManagedPolicyName") or place.generated_name(128))
        made = None
        try:
            policy = call("iam", "CreatePolicy", **_creation(name, properties))["Policy"]
            made = Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})
            _attach(call, made.physical_id, [], properties.get("Roles", []))
        except AwsError as error:
            fail(error, type_name=self.type, identifier=name, physical_id=made.physical_id if made else None)
        return made

    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Give it a new default version if its document changes, at the cost of the oldest of five."""
        del place
        old, new = change
        try:
            if document_text(old["PolicyDocument"]) != document_text(new["PolicyDocument"]):
                _make_room(call, made.physical_id)
                text = document_text(new["PolicyDocument"])
                call("iam", "CreatePolicyVersion", PolicyArn=made.physical_id, PolicyDocument=text, SetAsDefault=True)
            _attach(call, made.physical_id, old.get("Roles", []), new.get("Roles", []))
        except AwsError as error:
            fail(error, type_name=self.type, identifier=made.physical_id)
        return made

    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Detach it where the template attached it, and delete its versions and itself."""
        try:
            _attach(call, physical_id, properties.get("Roles", []), [])
            for version in _versions(call, physical_id):
                if not version["IsDefaultVersion"]:
                    number = version["VersionId"]
                    ignoring_missing(call, "DeletePolicyVersion", PolicyArn=physical_id, VersionId=number)
            ignoring_missing(call, "DeletePolicy", PolicyArn=physical_id)
        except AwsError as error:
            fail(error, type_name=self.type, identifier=physical_id)

    def exists(self, call: ServiceCall, properties: Properties) -> bool:
        """Whether the account has a policy of that name, under whichever path."""
        if "ManagedPolicyName" not in properties:
            return False
        name, page = str(properties["ManagedPolicyName"]).lower(), _FIRST_PAGE
        while page["IsTruncated"]:
            page = call("iam", "ListPolicies", Scope="Local", Marker=page["Marker"], MaxItems=1000)
            if any(policy["PolicyName"].lower() == name for policy in page["Policies"]):
                return True
        return False

    def read(self, call: ServiceCall, physical_id: str, properties: Properties) -> Properties | None:
        """Its document, beside the properties that cannot change; where it is attached is not looked at."""
        try:
            policy = call("iam", "GetPolicy", PolicyArn=physical_id)["Policy"]
            version = call("iam", "GetPolicyVersion", PolicyArn=physical_id, VersionId=policy["DefaultVersionId"])[
                "PolicyVersion"
            ]
        except AwsError as error:
            if error.code == "NoSuchEntity":
                return None
            fail(error, type_name=self.type, identifier=physical_id)
        document = shown_document(version["Document"], properties["PolicyDocument"])
        return {**properties, "PolicyDocument": document}


def _creation(name: str, properties: Properties) -> dict[str, Any]:
    given = {member: str(properties[member]) for member in ("Description", "Path") if member in properties}
    return {"PolicyName": name, "PolicyDocument": document_text(properties["PolicyDocument"]), **given}


def _attach(call: ServiceCall, arn: str, old: list[str], new: list[str]) -> None:
    for role in new:
        if role not in old:
            call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    for role in old:
        if role not in new:
            ignoring_missing(call, "DetachRolePolicy", RoleName=role, PolicyArn=arn)


def _versions(call: ServiceCall, arn: str) -> list[Mapping[str, Any]]:
    """Its versions, the newest first; none when it is gone."""
    try:
        versions: list[Mapping[str, Any]] = call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return []
        raise
    return versions


def _make_room(call: ServiceCall, arn: str) -> None:
    versions = _versions(call, arn)
    if len(versions) == 5:  # noqa: PLR2004 -- IAM's quota of versions
        oldest = next(version for version in reversed(versions) if not version["IsDefaultVersion"])
        call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=oldest["VersionId"])
