"""What becomes of pods: KWOK plays the kubelet, the image's tag says which fate a container has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.controlplane.conftest import Namespace

IMAGE = "registry.example/apono-connector"
FIRST = ".status.containerStatuses[0]"

Json = dict[str, Any]


def conditions(pod: Json) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in pod["status"]["conditions"]}


def container(pod: Json, index: int = 0) -> Json:
    status: Json = pod["status"]["containerStatuses"][index]
    return status


def test_a_pod_becomes_ready_with_the_status_of_a_kubelet(namespace: Namespace) -> None:
    namespace.pod("app", image=f"{IMAGE}:1.2.3")
    namespace.wait("pod/app", '.status.conditions[?(@.type=="Ready")].status', "True")

    pod = namespace.get("pod", "app")

    assert pod["status"]["phase"] == "Running"
    assert conditions(pod) == {
        "PodScheduled": "True",
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "ContainersReady": "True",
        "Ready": "True",
    }
    status = container(pod)
    assert status["image"] == f"{IMAGE}:1.2.3"
    assert status["imageID"].startswith(f"{IMAGE}@sha256:")
    assert (status["ready"], status["started"], status["restartCount"]) == (True, True, 0)
    assert list(status["state"]) == ["running"]


def test_init_containers_have_completed(namespace: Namespace) -> None:
    namespace.pod("app", initContainers=[{"name": "init", "image": f"{IMAGE}:1"}])
    namespace.wait("pod/app", '.status.conditions[?(@.type=="Ready")].status', "True")

    (status,) = namespace.get("pod", "app")["status"]["initContainerStatuses"]

    assert status["state"]["terminated"]["reason"] == "Completed"


def test_a_deployment_becomes_available(namespace: Namespace) -> None:
    namespace.kubectl("create", "deployment", "app", f"--image={IMAGE}:1", "--replicas=2")

    namespace.kubectl("wait", "deployment/app", "--for=condition=Available", "--timeout=20s")

    assert namespace.get("deployment", "app")["status"]["readyReplicas"] == 2


def test_an_image_that_cannot_be_pulled_backs_off(namespace: Namespace) -> None:
    namespace.pod("app", image=f"{IMAGE}:pull-error")
    namespace.wait("pod/app", f"{FIRST}.state.waiting.reason", "ErrImagePull")
    namespace.wait("pod/app", f"{FIRST}.state.waiting.reason", "ImagePullBackOff")

    pod = namespace.get("pod", "app")

    assert pod["status"]["phase"] == "Pending"
    assert conditions(pod)["Ready"] == "False"
    assert container(pod)["state"]["waiting"]["message"].startswith(
        f'Back-off pulling image "{IMAGE}:pull-error": ErrImagePull: '
    )


def test_a_container_that_crashes_backs_off(namespace: Namespace) -> None:
    namespace.pod("app", image=f"{IMAGE}:crash-loop")
    namespace.wait("pod/app", f"{FIRST}.state.waiting.reason", "CrashLoopBackOff")

    pod = namespace.get("pod", "app")

    assert pod["status"]["phase"] == "Running"
    assert conditions(pod)["Ready"] == "False"
    assert container(pod)["restartCount"] >= 1
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 1


def test_a_container_whose_probe_fails_runs_but_is_not_ready(namespace: Namespace) -> None:
    namespace.pod("app", image=f"{IMAGE}:never-ready")
    namespace.wait("pod/app", ".status.phase", "Running")

    pod = namespace.get("pod", "app")

    assert conditions(pod)["Ready"] == "False"
    assert list(container(pod)["state"]) == ["running"]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert (ready["reason"], ready["message"]) == (
        "ContainersNotReady",
        "containers with unready status: [app]",
    )


def test_each_container_of_a_pod_has_its_own_fate(namespace: Namespace) -> None:
    images = {"good": f"{IMAGE}:1", "bad": f"{IMAGE}:crash-loop"}
    namespace.pod("app", containers=[{"name": name, "image": image} for name, image in images.items()])
    namespace.wait("pod/app", '.status.containerStatuses[?(@.name=="bad")].state.waiting.reason', "CrashLoopBackOff")

    pod = namespace.get("pod", "app")

    assert list(container(pod, 0)["state"]) == ["running"]
    assert conditions(pod)["Ready"] == "False"


def test_a_job_completes(namespace: Namespace) -> None:
    namespace.kubectl("create", "job", "once", f"--image={IMAGE}:1")

    namespace.kubectl("wait", "job/once", "--for=condition=Complete", "--timeout=20s")


def test_a_deleted_pod_is_gone_at_once_despite_its_grace_period(namespace: Namespace) -> None:
    namespace.pod("app", terminationGracePeriodSeconds=300)
    namespace.wait("pod/app", ".status.phase", "Running")

    namespace.kubectl("delete", "pod", "app", "--timeout=10s")

    assert namespace.kubectl("get", "pods", "--output=name") == ""
