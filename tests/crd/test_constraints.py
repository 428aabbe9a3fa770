"""Every constraint of the schema, by an admitted and a refused example, at a real API server.

Server-side dry runs alone; what is about updates starts from an object that is really stored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from apono_operator import crds
from tests.crd.connectors import Connectors, RefusedError
from tests.crd.constraints import Node, constraints, nodes
from tests.crd.manifests import ABSENT, changed, error_field, minimal, minimal_for
from tests.crd.rows import REQUIRED, ROWS

if TYPE_CHECKING:
    from tests.crd.row import Required, Row

SCHEMA = crds.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
TYPED = [node for node in nodes(SCHEMA) if node.path and node.path not in {"apiVersion", "kind"}]

by_sentence = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
by_property = pytest.mark.parametrize("row", REQUIRED, ids=lambda row: row.property_path)
by_path = pytest.mark.parametrize("node", TYPED, ids=lambda node: node.path)


class Subject:
    """One object, on which values are tried without being stored."""

    def __init__(self, connectors: Connectors, existing: str, name: str) -> None:
        self._connectors = connectors
        self._existing = existing
        self._name = name

    def store(self, path: str, value: Any) -> None:
        self._connectors.create(changed(minimal(self._name), path, value))
        self._existing = self._name

    def try_update(self, path: str, value: Any) -> None:
        stored = self._connectors.read(self._existing)
        self._connectors.replace(changed(stored, path, value), dry_run=True)

    def try_value(self, path: str, value: Any) -> None:
        manifest = changed(minimal_for(path, self._name), path, value)
        if path.startswith("status"):
            self._connectors.merge_status(self._existing, {"status": manifest["status"]}, dry_run=True)
        else:
            self._connectors.create(manifest, dry_run=True)

    def try_row(self, row: Row, value: Any) -> None:
        if row.is_about_updates:
            self.store(row.path, row.before)
            self.try_update(row.path, value)
        else:
            self.try_value(row.path, value)


@pytest.fixture
def subject(connectors: Connectors, existing: str, name: str) -> Subject:
    return Subject(connectors, existing, name)


@by_sentence
def test_what_a_constraint_demands_is_admitted(row: Row, subject: Subject) -> None:
    subject.try_row(row, row.admitted)


@by_sentence
def test_what_a_constraint_forbids_is_refused_with_its_message(row: Row, subject: Subject) -> None:
    with pytest.raises(RefusedError, match=re.escape(row.message)) as refusal:
        subject.try_row(row, row.refused)
    assert error_field(row.path) in str(refusal.value)


@by_property
def test_a_required_field_is_admitted(row: Required, subject: Subject) -> None:
    subject.try_value(row.property_path, row.value)


@by_property
def test_the_absence_of_a_required_field_is_refused(row: Required, subject: Subject) -> None:
    with pytest.raises(RefusedError, match=re.escape(f"{error_field(row.property_path)}: Required value")):
        subject.try_value(row.property_path, ABSENT)


@by_path
def test_a_value_of_another_type_is_refused(node: Node, subject: Subject) -> None:
    wrong = 7 if node.schema["type"] == "string" else "text"
    expected = "date-time" if node.schema.get("format") == "date-time" else node.schema["type"]
    message = rf"{re.escape(error_field(node.path))}: Invalid value: [^,]+ in body must be of type {expected}:"
    with pytest.raises(RefusedError, match=message):
        subject.try_value(node.path, wrong)


def test_every_constraint_of_the_schema_has_a_row_and_every_row_a_constraint() -> None:
    covered = {str(row.constraint) for row in ROWS} | {str(row.constraint) for row in REQUIRED}
    assert sorted(covered) == sorted({str(constraint) for constraint in constraints(SCHEMA)})


def test_no_two_rows_say_the_same() -> None:
    sentences = [row.sentence for row in ROWS]
    assert sorted(set(sentences)) == sorted(sentences)
