"""What a real API server adds to our objects on its own account is no drift."""

from __future__ import annotations

from typing import Any

import pytest

from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.desired import desired_state, emptied_secret
from apono_operator.state.manifests import differences
from apono_operator.state.resources import Owner, key_of
from tests.builders import a_spec, an_administration, some_inputs
from tests.unit.state.test_manifests import SPECS


@pytest.mark.parametrize("options", SPECS.values(), ids=SPECS)
def test_what_the_api_server_makes_of_our_objects_is_in_sync(
    kubernetes: Kubernetes, owner: Owner, options: dict[str, Any]
) -> None:
    inputs = some_inputs(owner=owner, spec=a_spec(deployment=options), administration=an_administration())
    objects = {**desired_state(inputs).objects}

    stored = {key: kubernetes.apply(manifest) for key, manifest in objects.items()}

    assert {key: differences(objects[key], stored[key]) for key in objects} == dict.fromkeys(objects, ())
    assert len(objects) > 1


def test_what_the_api_server_makes_of_an_emptied_pull_secret_is_in_sync(kubernetes: Kubernetes, owner: Owner) -> None:
    emptied = emptied_secret(owner)
    kubernetes.apply(emptied)

    stored = kubernetes.get(key_of(emptied))

    assert stored is not None
    assert differences(emptied, stored) == ()
