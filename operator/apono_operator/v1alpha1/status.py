"""The status of an AponoConnector: what the operator answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StrictInt, ValidationError

from apono_operator.v1alpha1.condition import Condition
from apono_operator.v1alpha1.schema import ApiModel, ListType

_Count = Annotated[StrictInt, Field(ge=0, json_schema_extra={"format": "int32"})]


class MemberAccounts(ApiModel):
    """The accounts below the unit, by what the StackSet has in them."""

    current: Annotated[_Count, Field(description="Accounts that have the role as asked.")]
    outdated: Annotated[_Count, Field(description="Accounts that the role is being laid, or changed, in.")]
    failed: Annotated[_Count, Field(description="Accounts in which that failed; a condition names the first.")]
    suspended: Annotated[_Count, Field(description="Accounts that are suspended, and passed over.")]


class AponoConnectorStatus(ApiModel):
    """What is there, as last seen."""

    observed_generation: Annotated[
        StrictInt | None,
        Field(
            description="The metadata.generation that this status speaks of; -1 before the first look.",
            ge=-1,
            json_schema_extra={"format": "int64"},
        ),
    ] = None
    claimed_by: Annotated[
        str | None,
        Field(
            description="Installation of the operator that serves this connector, by namespace and name of its "
            "Deployment. Others leave it alone as long as that Deployment exists.",
            max_length=317,
        ),
    ] = None
    connector_id: Annotated[str | None, Field(description="Identity of the connector at Apono.", max_length=253)] = None
    connector_role_arn: Annotated[
        str | None, Field(description="ARN of the connector's IAM role.", max_length=2048)
    ] = None
    connector_role_id: Annotated[
        str | None,
        Field(
            description="Unique id (AROA…) of the connector's IAM role; a new id means that trusts elsewhere no "
            "longer hold.",
            max_length=128,
        ),
    ] = None
    previous_connector_role_id: Annotated[
        str | None,
        Field(
            description="Unique id that the role had before it was deleted and made again outside of this operator's "
            "doing; trusts elsewhere that name the role by its ARN hold this id, and have to be saved again.",
            max_length=128,
        ),
    ] = None
    management_account_role_arn: Annotated[
        str | None,
        Field(
            description="Mode Organization: ARN of the role in the management account, which Apono's integration "
            "asks for.",
            max_length=2048,
        ),
    ] = None
    management_stack_id: Annotated[
        str | None,
        Field(
            description="Mode Organization: ARN of the CloudFormation stack in the management account; before "
            "CloudFormation has told the unique id, it ends with the stack's name.",
            max_length=2048,
        ),
    ] = None
    management_stack_status: Annotated[
        str | None,
        Field(
            description="Mode Organization: status of that stack in CloudFormation's words, such as CREATE_COMPLETE.",
            max_length=128,
        ),
    ] = None
    member_accounts: Annotated[
        MemberAccounts | None,
        Field(
            description="Modes Organization and ManagementAccount: how many member accounts have the role that the "
            "stack's StackSet lays there; as last seen, which is hourly once all of them have it."
        ),
    ] = None
    last_applied_hash: Annotated[
        str | None,
        Field(
            description="Fingerprint of what was last carried out completely. While the manifest asks for the same, "
            "a difference is drift.",
            max_length=64,
        ),
    ] = None
    service_account_name: Annotated[
        str | None, Field(description="ServiceAccount that the connector's pods run as.", max_length=253)
    ] = None
    conditions: Annotated[
        Annotated[list[Condition], Field(max_length=32), ListType(("type",))] | None,
        Field(description="The state, aspect by aspect."),
    ] = None

    @classmethod
    def readable(cls, document: Mapping[str, Any]) -> AponoConnectorStatus:
        """Return what can be read of a status that another version, or another writer, may have written."""
        known = {field.alias or name: name for name, field in cls.model_fields.items() if name != "conditions"}
        readable = {alias: document[alias] for alias in known if _reads(cls, alias, document.get(alias))}
        return cls.model_validate({**readable, "conditions": list(_conditions(document.get("conditions", ())))})


def _reads(model: type[ApiModel], alias: str, value: Any) -> bool:
    try:
        model.model_validate({alias: value})
    except ValidationError:
        return False
    return value is not None


def _conditions(listed: Iterable[Any]) -> Iterator[Condition]:
    for document in listed:
        with contextlib.suppress(ValidationError):
            yield Condition.model_validate(document)
