"""The status of an AponoConnector: what the operator answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from apono_operator.v1alpha1.condition import Condition
from apono_operator.v1alpha1.schema import ApiModel, ListType


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
    service_account_name: Annotated[
        str | None, Field(description="ServiceAccount that the connector's pods run as.", max_length=253)
    ] = None
    conditions: Annotated[
        Annotated[list[Condition], Field(max_length=32), ListType(("type",))] | None,
        Field(description="The state, aspect by aspect."),
    ] = None
