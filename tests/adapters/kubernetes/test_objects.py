"""What the operator reads and writes in a cluster, on a real API server."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from apono_operator.adapters.api_answers import NotFoundError
from apono_operator.adapters.errors import ConflictError
from apono_operator.adapters.kubernetes import FIELD_MANAGER, Kubernetes
from apono_operator.state.conditions import Event
from apono_operator.state.resources import ObjectKey, Owner
from sandbox.controlplane import ControlPlane
from tests.adapters.kubernetes.objects import connector, deployment, service_account

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))


def events_about(cluster: ControlPlane, owner: Owner) -> list[Any]:
    selector = f"--field-selector=involvedObject.uid={owner.uid}"
    return list(json.loads(cluster.kubectl("get", "events", "-n", owner.namespace, selector, "-o", "json"))["items"])


def status_of(kubernetes: Kubernetes, owner: Owner) -> Any:
    found: Any = kubernetes.get(ObjectKey("AponoConnector", owner.namespace, owner.name))
    return found["status"]


def test_an_object_that_is_not_there_is_none(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    assert kubernetes.get(ObjectKey("Secret", namespace, name)) is None


def test_a_namespace_that_is_not_there_has_no_objects(kubernetes: Kubernetes, name: str) -> None:
    assert kubernetes.get(ObjectKey("Secret", name, name)) is None


@pytest.mark.parametrize("manifest", [connector, service_account, deployment])
def test_an_object_is_written_and_read_whatever_its_kind(
    kubernetes: Kubernetes, namespace: str, name: str, manifest: Any
) -> None:
    written = kubernetes.apply(manifest(namespace, name))

    read = kubernetes.get(ObjectKey(written["kind"], namespace, name))
    assert read is not None
    assert read["metadata"]["uid"] == written["metadata"]["uid"]


def test_of_several_objects_those_that_exist_are_returned(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    there, missing = ObjectKey("ServiceAccount", namespace, name), ObjectKey("Secret", namespace, name)
    kubernetes.apply(service_account(namespace, name))

    assert list(kubernetes.get_all([missing, there])) == [there]


def test_writing_the_same_again_changes_nothing(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    manifest = service_account(namespace, name, ours="1")

    first, second = kubernetes.apply(manifest), kubernetes.apply(manifest)

    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_writing_the_same_deployment_again_rolls_nothing(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    manifest = deployment(namespace, name, [{"name": "A", "value": "1"}])

    kubernetes.apply(manifest)

    # Its controller writes the status meanwhile, so the version is no measure.
    assert kubernetes.apply(manifest)["metadata"]["generation"] == 1


def test_what_others_put_on_an_object_stays(
    kubernetes: Kubernetes, cluster: ControlPlane, namespace: str, name: str
) -> None:
    kubernetes.apply(service_account(namespace, name, ours="1"))
    cluster.kubectl("annotate", "serviceaccount", name, "-n", namespace, "theirs=2")

    written = kubernetes.apply(service_account(namespace, name, ours="3"))

    assert written["metadata"]["annotations"] == {"ours": "3", "theirs": "2"}


def test_what_others_changed_of_ours_is_taken_back(
    kubernetes: Kubernetes, cluster: ControlPlane, namespace: str, name: str
) -> None:
    kubernetes.apply(service_account(namespace, name, ours="1"))
    cluster.kubectl("annotate", "serviceaccount", name, "-n", namespace, "--overwrite", "ours=2")

    written = kubernetes.apply(service_account(namespace, name, ours="1"))

    assert written["metadata"]["annotations"] == {"ours": "1"}


def test_what_is_no_longer_asked_for_goes(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    first, second = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
    kubernetes.apply(deployment(namespace, name, [first, second]))

    written: Any = kubernetes.apply(deployment(namespace, name, [second]))

    assert written["spec"]["template"]["spec"]["containers"][0]["env"] == [second]


def test_the_operator_is_named_as_the_owner_of_its_fields(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    written = kubernetes.apply(service_account(namespace, name))

    (entry,) = written["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == (FIELD_MANAGER, "Apply")


def test_an_object_is_deleted_by_its_uid(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    key = ObjectKey("ServiceAccount", namespace, name)
    written = kubernetes.apply(service_account(namespace, name))

    kubernetes.delete(key, written["metadata"]["uid"])

    assert kubernetes.get(key) is None


def test_an_object_that_took_the_place_of_another_is_not_deleted(
    kubernetes: Kubernetes, namespace: str, name: str
) -> None:
    key = ObjectKey("ServiceAccount", namespace, name)
    kubernetes.apply(service_account(namespace, name))

    with pytest.raises(ConflictError):
        kubernetes.delete(key, "00000000-0000-0000-0000-000000000000")

    assert kubernetes.get(key) is not None


def test_deleting_what_is_gone_is_fine(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    key = ObjectKey("ServiceAccount", namespace, name)

    kubernetes.delete(key, "00000000-0000-0000-0000-000000000000")

    assert kubernetes.get(key) is None


def write_status(kubernetes: Kubernetes, owner: Owner, status: dict[str, Any]) -> None:
    """Write it to the connector as it is now."""
    found: Any = kubernetes.get(ObjectKey("AponoConnector", owner.namespace, owner.name))
    kubernetes.apply_status(owner, status, resource_version=found["metadata"]["resourceVersion"])


def test_the_status_is_written_whole(kubernetes: Kubernetes, owner: Owner) -> None:
    write_status(kubernetes, owner, {"observedGeneration": 1, "connectorId": "a", "connectorRoleId": "AROA"})
    write_status(kubernetes, owner, {"observedGeneration": 1, "connectorId": "b"})

    assert status_of(kubernetes, owner) == {"observedGeneration": 1, "connectorId": "b"}


def test_writing_the_same_status_again_changes_nothing(kubernetes: Kubernetes, owner: Owner) -> None:
    key = ObjectKey("AponoConnector", owner.namespace, owner.name)
    write_status(kubernetes, owner, {"observedGeneration": 1})
    before = kubernetes.get(key)

    write_status(kubernetes, owner, {"observedGeneration": 1})

    assert kubernetes.get(key) == before


def test_writing_the_status_leaves_spec_and_generation_alone(kubernetes: Kubernetes, owner: Owner) -> None:
    write_status(kubernetes, owner, {"observedGeneration": 1})

    found: Any = kubernetes.get(ObjectKey("AponoConnector", owner.namespace, owner.name))
    assert found["metadata"]["generation"] == 1
    assert found["spec"]["permissions"] == "ReadOnly"


def test_the_status_of_a_connector_that_is_gone_is_not_written(kubernetes: Kubernetes, owner: Owner) -> None:
    key = ObjectKey("AponoConnector", owner.namespace, owner.name)
    kubernetes.delete(key, owner.uid)

    with pytest.raises(NotFoundError):
        kubernetes.apply_status(owner, {"observedGeneration": 1}, resource_version="1")

    assert kubernetes.get(key) is None


def test_the_status_of_a_connector_that_was_changed_meanwhile_is_not_written(
    kubernetes: Kubernetes, owner: Owner
) -> None:
    found: Any = kubernetes.get(ObjectKey("AponoConnector", owner.namespace, owner.name))
    write_status(kubernetes, owner, {"observedGeneration": 1, "connectorId": "newer"})

    with pytest.raises(ConflictError):
        kubernetes.apply_status(owner, {"observedGeneration": 1}, resource_version=found["metadata"]["resourceVersion"])

    assert status_of(kubernetes, owner)["connectorId"] == "newer"


def test_of_the_status_what_another_field_manager_wrote_is_taken_away_and_the_rest_stays(
    kubernetes: Kubernetes, owner: Owner
) -> None:
    key = ObjectKey("AponoConnector", owner.namespace, owner.name)
    version: Any = kubernetes.get(key)
    kubernetes.apply_status(
        owner, {"connectorId": "a"}, resource_version=version["metadata"]["resourceVersion"], manager="another"
    )
    write_status(kubernetes, owner, {"observedGeneration": 1})
    assert status_of(kubernetes, owner) == {"observedGeneration": 1, "connectorId": "a"}

    found: Any = kubernetes.get(key)
    kubernetes.change_status(owner, {"connectorId": None}, resource_version=found["metadata"]["resourceVersion"])

    assert status_of(kubernetes, owner) == {"observedGeneration": 1}
    with pytest.raises(ConflictError):
        kubernetes.change_status(owner, {"connectorId": "b"}, resource_version=found["metadata"]["resourceVersion"])


def test_an_event_tells_what_happened_to_which_connector(
    kubernetes: Kubernetes, cluster: ControlPlane, owner: Owner
) -> None:
    kubernetes.post(Event("Warning", "AccessDenied", "Not allowed."), owner, NOW)

    (event,) = events_about(cluster, owner)
    told = {key: event[key] for key in ("type", "reason", "message", "firstTimestamp", "lastTimestamp", "count")}
    assert told == {
        "type": "Warning",
        "reason": "AccessDenied",
        "message": "Not allowed.",
        "firstTimestamp": "2026-01-02T02:04:05Z",
        "lastTimestamp": "2026-01-02T02:04:05Z",
        "count": 1,
    }
    assert event["source"] == {"component": "apono-operator"}
    assert event["involvedObject"] == {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "namespace": owner.namespace,
        "name": owner.name,
        "uid": owner.uid,
    }


def test_two_events_do_not_displace_each_other(kubernetes: Kubernetes, cluster: ControlPlane, owner: Owner) -> None:
    for message in ("first", "second"):
        kubernetes.post(Event("Normal", "RoleInSync", message), owner, NOW)

    assert {event["message"] for event in events_about(cluster, owner)} == {"first", "second"}


def test_an_event_that_is_to_be_told_once_is_told_once(
    kubernetes: Kubernetes, cluster: ControlPlane, owner: Owner
) -> None:
    event = Event("Warning", "RoleOrphaned", "It is.")
    kubernetes.post(event, owner, NOW, once="today")
    with pytest.raises(ConflictError):
        kubernetes.post(event, owner, NOW, once="today")
    kubernetes.post(event, owner, NOW, once="tomorrow")

    assert len(events_about(cluster, owner)) == 2


def test_an_events_message_is_cut_to_what_kubernetes_takes(
    kubernetes: Kubernetes, cluster: ControlPlane, owner: Owner
) -> None:
    kubernetes.post(Event("Normal", "RoleInSync", "x" * 5000), owner, NOW)

    (event,) = events_about(cluster, owner)
    assert event["message"] == "x" * 1024


def test_a_connector_with_the_longest_name_has_events(
    kubernetes: Kubernetes, cluster: ControlPlane, namespace: str
) -> None:
    owner = Owner(namespace, "a" * 253, "uid-of-the-longest-name")

    kubernetes.post(Event("Normal", "RoleInSync", "It is."), owner, NOW)

    assert len(events_about(cluster, owner)) == 1


def test_the_issuer_is_told_without_its_scheme(kubernetes: Kubernetes, cluster: ControlPlane) -> None:
    assert f"https://{kubernetes.issuer()}" == cluster.issuer.rstrip("/")


def test_connectors_can_be_listed_by_an_administrator(kubernetes: Kubernetes, namespace: str) -> None:
    kubernetes.check_connectors_listable(None)
    kubernetes.check_connectors_listable(namespace)
