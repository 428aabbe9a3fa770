"""`AWS::IAM::Policy`: an inline policy that stands apart from its roles."""

from __future__ import annotations

from typing import ClassVar

from sandbox.aws.cloudformation.resources.handler import ImmediateHandler, Made, Place, ServiceCall, fail
from sandbox.aws.cloudformation.resources.iam_documents import document_text, ignoring_missing
from sandbox.aws.cloudformation.resources.schema import Properties, Schema
from sandbox.aws.errors import AwsError


class IamPolicy(ImmediateHandler):
    """An inline policy of some roles; users and groups are not modelled."""

    type: ClassVar = "AWS::IAM::Policy"
    schema: ClassVar = Schema(
        properties={"PolicyDocument": "JSONObject", "PolicyName": "String", "Roles": "Array of String"},
        required=frozenset({"PolicyDocument", "PolicyName"}),
        unmodelled=frozenset({"Groups", "Users"}),
        attributes=frozenset({"Id"}),
        capability="CAPABILITY_IAM",
        identifiers=("Id",),
    )

    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Put the policy on each role."""
        physical_id = place.generated_name()
        done: list[str] = []
        try:
            for role in properties.get("Roles", []):
                _put(call, role, properties)
                done.append(role)
        except AwsError as error:
            fail(error, type_name=self.type, identifier=physical_id, physical_id=physical_id if done else None)
        return Made(physical_id, {"Id": physical_id})

    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Put it anew on each of the new roles, and take it off where it is no more."""
        del place
        old, new = change
        try:
            for role in new.get("Roles", []):
                _put(call, role, new)
            renamed = str(old["PolicyName"]) != str(new["PolicyName"])
            gone = [role for role in old.get("Roles", []) if renamed or role not in new.get("Roles", [])]
            _take_off(call, gone, old)
        except AwsError as error:
            fail(error, type_name=self.type, identifier=made.physical_id)
        return made

    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Take it off each role."""
        try:
            _take_off(call, properties.get("Roles", []), properties)
        except AwsError as error:
            fail(error, type_name=self.type, identifier=physical_id)


def _put(call: ServiceCall, role: str, properties: Properties) -> None:
    text = document_text(properties["PolicyDocument"])
    call("iam", "PutRolePolicy", RoleName=role, PolicyName=str(properties["PolicyName"]), PolicyDocument=text)


def _take_off(call: ServiceCall, roles: list[str], properties: Properties) -> None:
    for role in roles:
        ignoring_missing(call, "DeleteRolePolicy", RoleName=role, PolicyName=str(properties["PolicyName"]))
