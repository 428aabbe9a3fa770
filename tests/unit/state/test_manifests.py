from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.desired import desired_state, emptied_secret
from apono_operator.state.manifests import differences
from tests.builders import a_spec, an_owner, some_inputs
from tests.unit.state.api_server import returned
from tests.unit.state.mutations import altered, lacking

Json = dict[str, Any]

EVERY_OPTION: Json = {
    "replicas": 3,
    "image": "registry.apono.io/apono-connector:v1.7.6",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "mine"}, {"name": "yours"}],
    "resources": {"requests": {"cpu": "0.5", "memory": "0.5Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "EMPTY", "value": ""}],
    "podLabels": {"team": "platform", "empty": ""},
    "podAnnotations": {"example.com/note": "hello", "example.com/empty": ""},
    "nodeSelector": {"kubernetes.io/arch": "arm64", "empty": ""},
    "tolerations": [
        {"operator": "Exists", "key": "dedicated", "effect": "NoExecute"},
        {"operator": "Equal", "key": "dedicated", "value": "", "effect": "NoSchedule"},
    ],
    "priorityClassName": "high",
    "automountServiceAccountToken": True,
    "securityContext": {
        "runAsUser": 0,
        "runAsGroup": 0,
        "fsGroup": 0,
        "runAsNonRoot": False,
        "readOnlyRootFilesystem": True,
    },
}
SPECS: dict[str, Json] = {
    "nothing chosen": {},
    "everything chosen": EVERY_OPTION,
    "no resources": {"resources": {}},
    "empty lists of resources": {"resources": {"requests": {}, "limits": {}}},
    "amounts finer than the API server keeps": {"resources": {"requests": {"cpu": "0.0015", "memory": "0.0000000001"}}},
    "amounts beyond what the API server keeps": {"resources": {"limits": {"memory": "16E"}}},
    "empty maps and lists": {"env": [], "podLabels": {}, "podAnnotations": {}, "nodeSelector": {}, "tolerations": []},
}


@pytest.mark.parametrize("options", SPECS.values(), ids=SPECS)
def test_what_the_api_server_returns_for_our_own_manifests_is_in_sync(options: Json) -> None:
    objects = desired_state(some_inputs(spec=a_spec(deployment=options))).objects

    assert {key: differences(ours, returned(ours)) for key, ours in objects.items()} == dict.fromkeys(objects, ())


def test_what_the_api_server_returns_for_an_emptied_pull_secret_is_in_sync() -> None:
    emptied = emptied_secret(an_owner())

    assert differences(emptied, returned(emptied)) == ()


def name_of(item: Json) -> str:
    return str(item["name"])


JSON_TREES = st.recursive(
    st.text(min_size=1, max_size=3) | st.integers() | st.booleans(),
    lambda inner: (
        st.dictionaries(st.sampled_from(("a", "b", "c")), inner, min_size=1)
        | st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(("x", "y", "z")), "value": inner}),
            min_size=1,
            unique_by=name_of,
        )
    ),
    max_leaves=12,
)


def with_foreign_fields(value: Any) -> Any:
    """The same with a foreign field in each object and a foreign item in each keyed list, in another order."""
    if isinstance(value, dict):
        return {"foreign": 1, **{key: with_foreign_fields(item) for key, item in value.items()}}
    if isinstance(value, list):
        return [{"name": "foreign"}, *[with_foreign_fields(item) for item in reversed(value)]]
    return value


@given(st.dictionaries(st.sampled_from(("a", "b")), JSON_TREES))
def test_foreign_fields_and_items_make_no_difference(desired: Json) -> None:
    assert differences(desired, desired) == ()
    assert differences(desired, with_foreign_fields(desired)) == ()


@given(st.dictionaries(st.sampled_from(("a", "b")), JSON_TREES, min_size=1), st.data())
def test_a_field_that_is_not_there_any_more_makes_a_difference(desired: Json, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(desired)))

    paths = differences(desired, {key: value for key, value in desired.items() if key != gone})

    assert paths
    assert all(path.split(".")[0] == gone for path in paths)


DRIFT: dict[str, tuple[Json, Json, tuple[str, ...]]] = {
    "a value": ({"spec": {"replicas": 2}}, {"spec": {"replicas": 1}}, ("spec.replicas",)),
    "true for false": ({"a": False}, {"a": True}, ("a",)),
    "false for nothing": ({"a": False}, {}, ("a",)),
    "a whole branch": ({"spec": {"a": {"b": 1}}}, {"spec": {}}, ("spec.a",)),
    "something else in place of a branch": ({"spec": {"a": {"b": 1}}}, {"spec": {"a": "text"}}, ("spec.a",)),
    "two values": ({"a": 1, "b": {"c": 2}}, {"a": 2, "b": {"c": 3}}, ("a", "b.c")),
    "a variable": ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}, ("env.A.value",)),
    "a missing variable": ({"env": [{"name": "A", "value": "1"}]}, {"env": []}, ("env.A",)),
    "a missing list": ({"env": [{"name": "A", "value": "1"}]}, {}, ("env.A",)),
    "an owner": ({"owners": [{"uid": "1", "name": "a"}]}, {"owners": [{"uid": "2", "name": "a"}]}, ("owners.1",)),
    "a list of text": ({"drop": ["ALL"]}, {"drop": ["NET_RAW"]}, ("drop",)),
    "the order of a list of text": ({"command": ["a", "b"]}, {"command": ["b", "a"]}, ("command",)),
    "a toleration": ({"t": [{"key": "a"}]}, {"t": [{"key": "b"}]}, ("t",)),
    "a toleration that was narrowed": ({"t": [{"key": "a"}]}, {"t": [{"key": "a", "effect": "NoSchedule"}]}, ("t",)),
    "one toleration more": ({"t": [{"key": "a"}]}, {"t": [{"key": "a"}, {"key": "b"}]}, ("t",)),
    "no tolerations any more": ({"t": [{"key": "a"}]}, {}, ("t",)),
    "an amount": ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}}, ("requests.cpu",)),
    "an amount by a thousandth": ({"requests": {"cpu": "1m"}}, {"requests": {"cpu": "2m"}}, ("requests.cpu",)),
    "an amount that is gone": ({"limits": {"cpu": "1"}}, {"limits": {}}, ("limits.cpu",)),
    "an amount outside resources": ({"cpu": "1000m"}, {"cpu": "1"}, ("cpu",)),
    "an amount without a branch": ({"limits": "1000m"}, {"limits": "1"}, ("limits",)),
    "text that is gone": ({"value": "x"}, {}, ("value",)),
    "text instead of none": ({"value": ""}, {"value": "x"}, ("value",)),
}


@pytest.mark.parametrize(("desired", "observed", "paths"), DRIFT.values(), ids=DRIFT)
def test_drift_is_told_by_path(desired: Json, observed: Json, paths: tuple[str, ...]) -> None:
    assert differences(desired, observed) == paths


SAME: dict[str, tuple[Json, Json]] = {
    "empty text is left out by the API server": ({"value": ""}, {}),
    "an empty list is left out by the API server": ({"items": []}, {}),
    "an empty object is left out by the API server": ({"resources": {}}, {}),
    "empty text in a toleration": ({"t": [{"key": "a", "value": ""}]}, {"t": [{"key": "a"}]}),
    "amounts in other units": (
        {"requests": {"cpu": "1000m", "memory": "1Gi"}},
        {"requests": {"cpu": "1", "memory": "1024Mi"}},
    ),
    "an amount that the API server has rounded up": ({"requests": {"cpu": "0.0011"}}, {"requests": {"cpu": "2m"}}),
    "limits in other units": ({"limits": {"cpu": "0.25"}}, {"limits": {"cpu": "250m"}}),
}


@pytest.mark.parametrize(("desired", "observed"), SAME.values(), ids=SAME)
def test_another_spelling_of_the_same_is_in_sync(desired: Json, observed: Json) -> None:
    assert differences(desired, observed) == ()


def test_a_hand_edit_of_any_field_of_the_pods_is_told() -> None:
    deployment = next(one for one in desired_state(some_inputs()).objects.values() if one["kind"] == "Deployment")
    edited = copy.deepcopy(returned(deployment))
    pod = edited["spec"]["template"]["spec"]
    pod["serviceAccountName"] = "default"
    pod["containers"][0]["image"] = "docker.io/evil:latest"
    pod["containers"][0]["securityContext"]["capabilities"]["drop"] = []

    assert set(differences(deployment, edited)) == {
        "spec.template.spec.serviceAccountName",
        "spec.template.spec.containers.connector.image",
        "spec.template.spec.containers.connector.securityContext.capabilities.drop",
    }


@pytest.mark.parametrize("options", SPECS.values(), ids=SPECS)
def test_a_change_of_any_single_field_is_told_by_its_path(options: Json) -> None:
    objects = desired_state(some_inputs(spec=a_spec(deployment=options))).objects
    for ours in objects.values():
        changes = [*altered(ours, returned(ours)), *lacking(ours, returned(ours))]

        untold = [path for path, theirs in changes if not tells(differences(ours, theirs), spelled(ours, path))]

        assert len(changes) > 10
        assert untold == []


def tells(told: tuple[str, ...], path: str) -> bool:
    """Whether *path* is told, or the item of a list that it is in: one without its name is another item."""
    return len(told) == 1 and path.startswith(told[0])


def spelled(document: Any, path: tuple[str | int, ...]) -> str:
    """How `differences` writes *path*: items of lists by name, and nothing within a list whose items have none."""
    parts: list[str] = []
    for part in path:
        document = document[part]
        name = _name(document) if isinstance(part, int) else part
        if not name:
            break
        parts.append(name)
    return ".".join(parts)


def _name(item: Any) -> str:
    return str(item.get("uid") or item.get("name") or "") if isinstance(item, dict) else ""
