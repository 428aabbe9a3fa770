"""`AWS::IAM::Role`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from sandbox.aws.cloudformation.resources.handler import (
    ImmediateHandler,
    Made,
    Place,
    ServiceCall,
    fail,
)
from sandbox.aws.cloudformation.resources.iam_documents import (
    attach_changed,
    document_text,
    ignoring_missing,
    policies_of,
    put_changed_policies,
    shown_document,
)
from sandbox.aws.cloudformation.resources.schema import Properties, Schema
from sandbox.aws.errors import AwsError

_DEFAULT_SESSION_SECONDS: Final = 3600


class IamRole(ImmediateHandler):
    """A role, with its inline policies, its attached ones, its boundary and its tags."""

    type: ClassVar = "AWS::IAM::Role"
    schema: ClassVar = Schema(
        properties={
            "AssumeRolePolicyDocument": "JSONObject",
            "Description": "String",
            "ManagedPolicyArns": "Array of String",
            "MaxSessionDuration": "Integer",
            "Path": "String",
            "PermissionsBoundary": "String",
            "Policies": "Array of Policy",
            "RoleName": "String",
            "Tags": "Array of Tag",
        },
        required=frozenset({"AssumeRolePolicyDocument"}),
        create_only=frozenset({"Path", "RoleName"}),
        attributes=frozenset({"Arn", "RoleId"}),
        name="RoleName",
        capability="CAPABILITY_IAM",
        identifiers=("RoleName",),
    )

    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Make the role, then what hangs on it; a role that stays half made is told by the failure."""
        name = str(properties.get("RoleName") or place.generated_name())
        made = None
        try:
            role = call("iam", "CreateRole", **_creation(name, properties))["Role"]
            made = Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
            put_changed_policies(call, name, {}, policies_of(properties))
            attach_changed(call, name, [], properties.get("ManagedPolicyArns", []))
        except AwsError as error:
            fail(error, type_name=self.type, identifier=name, physical_id=made.physical_id if made else None)
        return made

    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Change what differs, one call each."""
        del place
        old, new = change
        name = made.physical_id
        try:
            for operation, parameters in _changes(name, old, new):
                call("iam", operation, **parameters)
            put_changed_policies(call, name, policies_of(old), policies_of(new))
            attach_changed(call, name, old.get("ManagedPolicyArns", []), new.get("ManagedPolicyArns", []))
            _change_tags(call, name, _tags(old), _tags(new))
        except AwsError as error:
            fail(error, type_name=self.type, identifier=name)
        return made

    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Remove what the template put on the role, then the role; what others put on it is in the way."""
        try:
            for arn in properties.get("ManagedPolicyArns", []):
                ignoring_missing(call, "DetachRolePolicy", RoleName=physical_id, PolicyArn=arn)
            for name in policies_of(properties):
                ignoring_missing(call, "DeleteRolePolicy", RoleName=physical_id, PolicyName=name)
            ignoring_missing(call, "DeleteRole", RoleName=physical_id)
        except AwsError as error:
            fail(error, type_name=self.type, identifier=physical_id)

    def exists(self, call: ServiceCall, properties: Properties) -> bool:
        """Whether the account has a role of that name."""
        if "RoleName" not in properties:
            return False
        try:
            call("iam", "GetRole", RoleName=str(properties["RoleName"]))
        except AwsError as error:
            if error.code == "NoSuchEntity":
                return False
            raise
        return True

    def read(self, call: ServiceCall, physical_id: str, properties: Properties) -> Properties | None:
        """What of the declared properties the role has; tags beyond the declared ones are left out."""
        try:
            role = call("iam", "GetRole", RoleName=physical_id)["Role"]
            found = {**_read_members(role, properties), **_read_attachments(call, physical_id, properties)}
        except AwsError as error:
            if error.code == "NoSuchEntity":
                return None
            fail(error, type_name=self.type, identifier=physical_id)
        return {name: value for name, value in found.items() if value is not None}


def _creation(name: str, properties: Properties) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "RoleName": name,
        "AssumeRolePolicyDocument": document_text(properties["AssumeRolePolicyDocument"]),
    }
    for member in ("Path", "Description", "PermissionsBoundary"):
        if member in properties:
            parameters[member] = str(properties[member])
    if "MaxSessionDuration" in properties:
        parameters["MaxSessionDuration"] = int(properties["MaxSessionDuration"])
    if properties.get("Tags"):
        parameters["Tags"] = _tag_list(_tags(properties))
    return parameters


def _changes(name: str, old: Properties, new: Properties) -> Iterator[tuple[str, dict[str, Any]]]:
    trust = document_text(new["AssumeRolePolicyDocument"])
    if document_text(old["AssumeRolePolicyDocument"]) != trust:
        yield "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": trust}
    described = ("Description", "MaxSessionDuration")
    if [old.get(member) for member in described] != [new.get(member) for member in described]:
        seconds = int(new.get("MaxSessionDuration", _DEFAULT_SESSION_SECONDS))
        text = str(new.get("Description", ""))
        yield "UpdateRole", {"RoleName": name, "Description": text, "MaxSessionDuration": seconds}
    boundary = new.get("PermissionsBoundary")
    if boundary != old.get("PermissionsBoundary"):
        if boundary is None:
            yield "DeleteRolePermissionsBoundary", {"RoleName": name}
        else:
            yield "PutRolePermissionsBoundary", {"RoleName": name, "PermissionsBoundary": str(boundary)}


def _change_tags(call: ServiceCall, name: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    if changed:
        call("iam", "TagRole", RoleName=name, Tags=_tag_list(changed))
    gone = [key for key in old if key not in new]
    if gone:
        call("iam", "UntagRole", RoleName=name, TagKeys=gone)


def _tags(properties: Properties) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", [])}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _read_members(role: Mapping[str, Any], declared: Properties) -> dict[str, Any]:
    boundary = role["PermissionsBoundary"]
    found = {
        "AssumeRolePolicyDocument": shown_document(
            role["AssumeRolePolicyDocument"], declared["AssumeRolePolicyDocument"]
        ),
        "Description": role["Description"],
        "MaxSessionDuration": role["MaxSessionDuration"],
        "Path": role["Path"],
        "PermissionsBoundary": boundary["PermissionsBoundaryArn"] if boundary else None,
        "RoleName": role["RoleName"],
        "Tags": _read_tags(role["Tags"] or [], _tags(declared)),
    }
    return {name: value for name, value in found.items() if name in declared}


def _read_tags(tags: list[dict[str, str]], declared: Mapping[str, str]) -> list[dict[str, str]] | None:
    present = {tag["Key"]: tag["Value"] for tag in tags}
    return _tag_list({key: present[key] for key in declared if key in present}) or None


def _read_attachments(call: ServiceCall, name: str, declared: Properties) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "ManagedPolicyArns" in declared:
        attached = call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
        arns = [policy["PolicyArn"] for policy in attached]
        known = [arn for arn in declared["ManagedPolicyArns"] if arn in arns]
        found["ManagedPolicyArns"] = known + [arn for arn in arns if arn not in known]
    if "Policies" in declared:
        names = call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]
        documents = {str(policy["PolicyName"]): policy["PolicyDocument"] for policy in declared["Policies"]}
        ordered = [known for known in documents if known in names]
        ordered += [other for other in names if other not in documents]
        found["Policies"] = [_read_policy(call, name, policy, documents.get(policy)) for policy in ordered]
    return found


def _read_policy(call: ServiceCall, role: str, policy: str, declared: Any) -> dict[str, Any]:
    text = call("iam", "GetRolePolicy", RoleName=role, PolicyName=policy)["PolicyDocument"]
    return {"PolicyName": policy, "PolicyDocument": shown_document(text, declared)}
