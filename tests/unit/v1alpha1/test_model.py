"""The model by itself refuses what the API server refuses: the same table, without an API server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from apono_operator import crds
from apono_operator.v1alpha1 import AponoConnectorSpec, AponoConnectorStatus
from tests.crd.constraints import Node, nodes
from tests.crd.manifests import ABSENT, changed, minimal, minimal_for
from tests.crd.rows import REQUIRED, ROWS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tests.crd.row import Required, Row

SCHEMA = crds.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
TYPED = [node for node in nodes(SCHEMA) if node.path.startswith(("spec.", "status."))]
OBJECTS = [node for node in TYPED if "properties" in node.schema]

# Rules about updates are the API server's alone: nobody else knows the old object.
TIMELESS = [row for row in ROWS if not row.is_about_updates]
RULES = [row for row in TIMELESS if row.keyword.startswith("rule")]

by_sentence = pytest.mark.parametrize("row", TIMELESS, ids=lambda row: row.sentence)
by_rule = pytest.mark.parametrize("row", RULES, ids=lambda row: row.sentence)
by_property = pytest.mark.parametrize("row", [row for row in REQUIRED if row.path], ids=lambda row: row.property_path)
by_path = pytest.mark.parametrize("node", TYPED, ids=lambda node: node.path)
by_object = pytest.mark.parametrize("node", OBJECTS, ids=lambda node: node.path)


def parsed(path: str, value: Any) -> BaseModel:
    """Return what the model makes of *value* at *path* of a minimal manifest."""
    manifest = changed(minimal_for(path), path, value)
    if path.startswith("status"):
        return AponoConnectorStatus.model_validate(manifest["status"])
    return AponoConnectorSpec.model_validate(manifest["spec"])


@by_sentence
def test_what_a_constraint_demands_is_taken(row: Row) -> None:
    parsed(row.path, row.admitted)


@by_sentence
def test_what_a_constraint_forbids_is_refused(row: Row) -> None:
    with pytest.raises(ValidationError):
        parsed(row.path, row.refused)


@by_rule
def test_what_a_rule_forbids_is_refused_in_the_words_of_the_api_server(row: Row) -> None:
    with pytest.raises(ValidationError, match=re.escape(row.message)):
        parsed(row.path, row.refused)


@by_property
def test_the_absence_of_a_required_field_is_refused(row: Required) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        parsed(row.property_path, ABSENT)


@by_path
def test_a_value_of_another_type_is_refused(node: Node) -> None:
    with pytest.raises(ValidationError):
        parsed(node.path, 7 if node.schema["type"] == "string" else "text")


@by_object
def test_an_unknown_field_is_refused(node: Node) -> None:
    with pytest.raises(ValidationError, match=r"surprise(.|\n)*(not permitted|should be 'cpu')"):
        parsed(f"{node.path}.surprise", "text")


def test_a_spec_cannot_be_changed_after_it_was_parsed() -> None:
    spec = AponoConnectorSpec.model_validate(minimal()["spec"])
    with pytest.raises(ValidationError, match="frozen"):
        spec.connector_id = "another"  # type: ignore[misc]  # what this is about
