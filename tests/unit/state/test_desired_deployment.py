from __future__ import annotations

import pytest
from hypothesis import given

from apono_operator.state.desired import connector_id, deployment
from apono_operator.state.resources import Owner
from tests.builders import Json, a_cluster, a_spec, an_owner, some_inputs
from tests.unit.state.deployments import a_deployment_of, container_of, pod_spec_of
from tests.unit.state.strategies import OWNERS

CHILD = an_owner().child_name


def test_a_connector_of_few_words_gets_a_working_deployment() -> None:
    spec = a_deployment_of()["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["selector"] == {
        "matchLabels": {"app.kubernetes.io/name": "apono-connector", "apono.io/connector": "production"}
    }
    assert container_of()["image"] == "registry.apono.io/apono-connector:v1.7.8"
    assert container_of()["resources"] == {
        "requests": {"cpu": "500m", "memory": "1G"},
        "limits": {"cpu": "1", "memory": "2G"},
    }
    assert container_of()["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 8080}
    assert container_of()["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8080}
    assert pod_spec_of()["serviceAccountName"] == CHILD
    assert pod_spec_of()["automountServiceAccountToken"] is False
    assert pod_spec_of()["enableServiceLinks"] is False


def test_what_nobody_chooses_is_left_to_kubernetes() -> None:
    assert not {"nodeSelector", "tolerations", "priorityClassName"} & set(pod_spec_of())
    assert "imagePullPolicy" not in container_of()


@given(OWNERS)
def test_a_deployment_selects_its_own_pods(owner: Owner) -> None:
    spec = deployment(some_inputs(owner=owner, spec=a_spec(deployment={"podLabels": {"team": "a"}})))["spec"]

    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_the_connector_is_told_token_id_and_url() -> None:
    assert container_of()["env"] == [
        {"name": "APONO_TOKEN", "valueFrom": {"secretKeyRef": {"name": "apono-token", "key": "token"}}},
        {"name": "APONO_CONNECTOR_ID", "value": "production"},
        {"name": "APONO_URL", "value": "api.apono.io"},
    ]


def test_the_connectors_id_is_what_the_manifest_says() -> None:
    spec = a_spec(connectorId="prod-eks")

    assert connector_id(spec, an_owner()) == "prod-eks"
    (container,) = deployment(some_inputs(spec=spec))["spec"]["template"]["spec"]["containers"]
    assert {"name": "APONO_CONNECTOR_ID", "value": "prod-eks"} in container["env"]


def test_variables_of_the_users_come_after_ours() -> None:
    variables = container_of(env=[{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}])["env"]

    assert [one["name"] for one in variables] == ["APONO_TOKEN", "APONO_CONNECTOR_ID", "APONO_URL", "HTTPS_PROXY"]
    assert variables[-1] == {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}


LITERALS = {
    "a variable of ours": ("$(APONO_TOKEN)", "$$(APONO_TOKEN)"),
    "a variable among other text": ("http://$(APONO_URL):3128/$(X)", "http://$$(APONO_URL):3128/$$(X)"),
    "a reference without an end": ("$(APONO", "$$(APONO"),
    "a reference that pretends to be quoted": ("$$(APONO_TOKEN)", "$$$$(APONO_TOKEN)"),
    "no reference": ("cost: 5$, (or $x)", "cost: 5$$, (or $$x)"),
}


@pytest.mark.parametrize(("text", "written"), LITERALS.values(), ids=LITERALS)
def test_a_users_value_is_meant_as_it_stands_so_that_it_cannot_quote_the_token(text: str, written: str) -> None:
    """Kubernetes puts the value of a variable in place of ``$(NAME)``, and ``$`` in place of ``$$``."""
    assert container_of(env=[{"name": "PROXY", "value": text}])["env"][-1]["value"] == written


def test_choices_for_the_pods_are_passed_on() -> None:
    tolerations = [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}]
    options: Json = {
        "image": "registry.apono.io/apono-connector:v1.7.6",
        "imagePullPolicy": "Always",
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": tolerations,
        "priorityClassName": "high",
        "automountServiceAccountToken": True,
    }

    assert options.items() <= {**pod_spec_of(**options), **container_of(**options)}.items()
    assert a_deployment_of(replicas=3)["spec"]["replicas"] == 3


def test_labels_and_annotations_of_the_users_stand_beside_ours_on_the_pods() -> None:
    metadata = a_deployment_of(podLabels={"team": "a"}, podAnnotations={"note": "b"})["spec"]["template"]["metadata"]

    assert metadata["labels"] == {"team": "a", **a_deployment_of()["metadata"]["labels"]}
    assert set(metadata["annotations"]) == {
        "note",
        "apono.io/connector-role-arn",
        "apono.io/token-hash",
        "apono.io/role-injection-restarts",
    }
    assert metadata["annotations"]["apono.io/connector-role-arn"] == a_cluster().role_arn(an_owner())


RESOURCES: dict[str, tuple[Json, Json]] = {
    "requests alone": ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "1"}}),
    "limits alone": ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi"}}),
    "none at all": ({}, {}),
}


@pytest.mark.parametrize(("chosen", "expected"), RESOURCES.values(), ids=RESOURCES)
def test_resources_are_the_users_alone_once_there_are_some(chosen: Json, expected: Json) -> None:
    assert container_of(resources=chosen)["resources"] == expected


def pod_security_violations(pod: Json) -> list[str]:
    """What the profile "restricted" of the Pod Security Standards objects to in a pod like ours."""
    (container,) = pod["containers"]
    security = container["securityContext"]
    checks = {
        "runAsNonRoot": pod["securityContext"].get("runAsNonRoot") is True,
        "runAsUser": pod["securityContext"].get("runAsUser") != 0,
        "seccompProfile": pod["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": security.get("allowPrivilegeEscalation") is False,
        "capabilities": security.get("capabilities") == {"drop": ["ALL"]},
        "privileged": not security.get("privileged"),
        "host namespaces": not {"hostNetwork", "hostPID", "hostIPC"} & set(pod),
        "hostPath volumes": not pod.get("volumes"),
        "host ports": not container.get("ports"),
    }
    return [name for name, passed in checks.items() if not passed]


def test_pods_pass_the_pod_security_profile_restricted() -> None:
    assert pod_security_violations(pod_spec_of()) == []
    assert pod_spec_of()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container_of()["securityContext"]["readOnlyRootFilesystem"] is False


def test_pinned_ids_and_a_read_only_file_system_pass_it_too() -> None:
    options = {
        "securityContext": {"runAsUser": 1000, "runAsGroup": 1001, "fsGroup": 1002, "readOnlyRootFilesystem": True}
    }

    assert pod_security_violations(pod_spec_of(**options)) == []
    context = pod_spec_of(**options)["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (1000, 1001, 1002)
    assert container_of(**options)["securityContext"]["readOnlyRootFilesystem"] is True


def test_an_image_that_needs_root_gets_root_and_nothing_more() -> None:
    options = {"securityContext": {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0, "runAsNonRoot": False}}

    assert pod_security_violations(pod_spec_of(**options)) == ["runAsNonRoot", "runAsUser"]
    assert (pod_spec_of(**options)["securityContext"]["runAsGroup"]) == 0
