"""What the pod identity webhook does to pods that the real API server admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.controlplane.pod_identity import identity_of, patch

if TYPE_CHECKING:
    from tests.controlplane.conftest import Namespace

ROLE = "arn:aws:iam::123456789012:role/connector"
TOKEN_FILE = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
INJECTED = {
    "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ROLE_ARN": ROLE,
    "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
}

Json = dict[str, Any]


def environment(pod: Json, container: int = 0, kind: str = "containers") -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in pod["spec"][kind][container].get("env", [])}


def tokens(pod: Json) -> list[Json]:
    projected = [volume["projected"] for volume in pod["spec"]["volumes"] if volume["name"] == "aws-iam-token"]
    return [source["serviceAccountToken"] for volume in projected for source in volume["sources"]]


def patched(pod: Json, **annotations: str) -> Json:
    """The pod after the patch, for patches that set whole lists."""
    account = {
        "metadata": {
            "annotations": {f"eks.amazonaws.com/{key.replace('_', '-')}": value for key, value in annotations.items()}
        }
    }
    identity = identity_of(pod, account, "us-east-1")
    assert identity is not None
    spec = {operation["path"].removeprefix("/spec/"): operation["value"] for operation in patch(pod, identity)}
    return {**pod, "spec": {**pod["spec"], **spec}}


def test_a_pod_of_an_annotated_service_account_gets_the_role_and_a_token(namespace: Namespace) -> None:
    namespace.service_account("connector", role_arn=ROLE)

    pod = namespace.pod("app", serviceAccountName="connector")

    assert environment(pod) == INJECTED
    assert tokens(pod) == [{"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}]
    mounts = {mount["name"]: mount for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["aws-iam-token"] == {
        "name": "aws-iam-token",
        "readOnly": True,
        "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount",
    }


def test_a_pod_made_before_the_annotation_stays_without_the_role(namespace: Namespace) -> None:
    namespace.service_account("connector")
    namespace.pod("app", serviceAccountName="connector")
    namespace.annotate("connector", "role-arn", ROLE)

    namespace.kubectl("annotate", "pod", "app", "touched=yes")

    assert environment(namespace.get("pod", "app")) == {}


def test_the_pods_of_a_deployment_get_the_role(namespace: Namespace) -> None:
    namespace.service_account("connector", role_arn=ROLE)
    namespace.kubectl("create", "deployment", "app", "--image=registry.example/app:1", "--replicas=0")
    namespace.kubectl("set", "serviceaccount", "deployment", "app", "connector")
    namespace.kubectl("scale", "deployment", "app", "--replicas=1")

    namespace.kubectl("rollout", "status", "deployment", "app", "--timeout=20s")

    (pod,) = namespace.get("pods", "--selector=app=app")["items"]
    assert environment(pod) == INJECTED


def test_the_skip_label_keeps_the_webhook_away(namespace: Namespace) -> None:
    namespace.service_account("connector", role_arn=ROLE)
    label = {"labels": {"eks.amazonaws.com/skip-pod-identity-webhook": ""}}

    pod = namespace.pod("app", metadata=label, serviceAccountName="connector")

    assert environment(pod) == {}


def test_a_pod_of_another_service_account_is_left_alone(namespace: Namespace) -> None:
    namespace.service_account("connector", role_arn=ROLE)

    assert environment(namespace.pod("app")) == {}


def test_a_paused_webhook_changes_nothing_in_that_namespace_alone(namespace: Namespace) -> None:
    namespace.service_account("connector", role_arn=ROLE)
    webhook = namespace.control_plane.webhook

    with webhook.paused("another-namespace"):
        assert environment(namespace.pod("first", serviceAccountName="connector")) == INJECTED
    with webhook.paused(namespace.name):
        assert environment(namespace.pod("second", serviceAccountName="connector")) == {}
    assert environment(namespace.pod("third", serviceAccountName="connector")) == INJECTED


def test_audience_and_lifetime_of_the_token_follow_the_annotations() -> None:
    pod = {"spec": {"containers": [{"name": "app"}]}}

    (token,) = tokens(patched(pod, role_arn=ROLE, audience="vault", token_expiration="3600"))

    assert token == {"audience": "vault", "expirationSeconds": 3600, "path": "token"}


def test_the_pods_own_lifetime_wins_and_is_never_below_ten_minutes() -> None:
    annotations = {"eks.amazonaws.com/token-expiration": "60"}
    pod = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "app"}]}}

    (token,) = tokens(patched(pod, role_arn=ROLE, token_expiration="3600"))

    assert token["expirationSeconds"] == 600


def test_variables_that_the_container_sets_are_never_overridden() -> None:
    own = [{"name": "AWS_ROLE_ARN", "value": "mine"}, {"name": "AWS_REGION", "value": "eu-west-1"}]
    pod = {"spec": {"containers": [{"name": "app", "env": own}]}}

    assert environment(patched(pod, role_arn=ROLE)) == {
        "AWS_ROLE_ARN": "mine",
        "AWS_REGION": "eu-west-1",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }


def test_init_containers_are_served_and_skipped_containers_are_not() -> None:
    annotations = {"eks.amazonaws.com/skip-containers": "sidecar,other"}
    containers = [{"name": "app"}, {"name": "sidecar"}]
    spec = {"containers": containers, "initContainers": [{"name": "init"}]}

    pod = patched({"metadata": {"annotations": annotations}, "spec": spec}, role_arn=ROLE)

    assert environment(pod) == INJECTED
    assert environment(pod, kind="initContainers") == INJECTED
    assert pod["spec"]["containers"][1] == {"name": "sidecar"}


def test_regional_endpoints_can_be_refused() -> None:
    pod = patched({"spec": {"containers": [{"name": "app"}]}}, role_arn=ROLE, sts_regional_endpoints="false")

    assert "AWS_STS_REGIONAL_ENDPOINTS" not in environment(pod)


def test_a_service_account_without_a_role_gives_no_identity() -> None:
    assert identity_of({"spec": {"containers": []}}, {"metadata": {}}, "us-east-1") is None
