"""The generated schema keeps to the conventions that no API server enforces."""

from __future__ import annotations

from pathlib import Path

import pytest

from apono_operator import crds
from tests.crd.constraints import Node, nodes

ROOT = Path(__file__).parents[3]
SCHEMA = crds.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
NODES = list(nodes(SCHEMA))
PROPERTIES = [
    Node(f"{node.path}.{name}".lstrip("."), child)
    for node in NODES
    for name, child in node.schema.get("properties", {}).items()
    if name != "metadata"  # the API server publishes its own
]


def test_the_committed_definition_is_the_generated_one() -> None:
    committed = ROOT / "crds" / "apono.io_aponoconnectors.yaml"
    assert committed.read_text(encoding="utf-8") == crds.render()


@pytest.mark.parametrize("node", PROPERTIES, ids=lambda node: node.path)
def test_every_field_is_described_by_a_sentence(node: Node) -> None:
    description = node.schema["description"]
    assert description.strip() == description
    assert description.endswith(".")


def test_every_list_says_how_it_is_merged() -> None:
    lists = {node.path: node.schema.get("x-kubernetes-list-type") for node in NODES if node.schema["type"] == "array"}
    assert lists == {
        "spec.role.managedPolicyArns": "set",
        "spec.deployment.imagePullSecrets": "map",
        "spec.deployment.env": "map",
        "spec.deployment.tolerations": "map",
        "status.conditions": "map",
    }


def test_the_items_of_a_set_are_scalars() -> None:
    """The API server stores a set of objects, but cannot apply it on its side."""
    sets = [node.schema["items"] for node in NODES if node.schema.get("x-kubernetes-list-type") == "set"]
    assert {item["type"] for item in sets} == {"string"}


def test_no_field_of_a_list_item_has_a_default() -> None:
    """Server-side apply with a default inside a list item shows a difference for ever."""
    assert [node.path for node in NODES if "[]" in node.path and "default" in node.schema] == []


def test_nothing_preserves_unknown_fields() -> None:
    preserving = {
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    }
    assert [node.path for node in NODES if preserving & node.schema.keys()] == []


def test_every_text_and_every_collection_of_the_spec_has_a_limit() -> None:
    limits = {"string": "maxLength", "array": "maxItems"}
    unlimited = [
        node.path
        for node in NODES
        if node.path.startswith("spec")
        and "enum" not in node.schema
        and node.schema["type"] in limits
        and limits[node.schema["type"]] not in node.schema
    ]
    dictionaries = [
        node.path for node in NODES if "additionalProperties" in node.schema and "maxProperties" not in node.schema
    ]
    assert unlimited + dictionaries == []


def test_the_definition_has_one_version_with_a_status_subresource() -> None:
    (version,) = crds.custom_resource_definition()["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}
