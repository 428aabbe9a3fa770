"""The operator refuses to run half-configured: one line that says what to do, exit status 1."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from sandbox.aws import Account, FrontDoor
from sandbox.controlplane import ControlPlane
from tests.aws.identities import Issuer
from tests.unit.cli.programs import run

ALLOWANCE = {"APONO_OPERATOR_ALLOW_UNBOUNDED_ROLES": "true", "APONO_OPERATOR_HTTP_PORT": "0"}
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"

Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """Run the operator with just these variables; return the one line with which it refuses to."""

    def refusal(**environment: str) -> str:
        ended = run("run", environment=environment, home=tmp_path)
        assert (ended.status, ended.output) == (1, "")
        (line,) = ended.errors.splitlines()
        prefix, _, text = line.partition(": ")
        assert prefix == "apono-operator"
        return text

    return refusal


@pytest.fixture(scope="module")
def aws() -> Iterator[FrontDoor]:
    with FrontDoor() as aws:
        yield aws


@pytest.fixture(scope="module")
def account(aws: FrontDoor) -> Account:
    return aws.create_account()


@pytest.fixture
def good(aws: FrontDoor, account: Account, control_plane: ControlPlane) -> dict[str, str]:
    """Everything that the operator needs to watch a namespace without connectors; each test takes something away."""
    crd = "customresourcedefinition/aponoconnectors.apono.io"
    control_plane.kubectl("wait", crd, "--for=condition=Established", "--timeout=30s")
    settings = {**ALLOWANCE, "APONO_OPERATOR_WATCH_NAMESPACES": "nobody-lives-here"}
    return {**settings, **aws.environment(account), "KUBECONFIG": str(control_plane.kubeconfig)}


@pytest.fixture(scope="module")
def powerless(control_plane: ControlPlane) -> Iterator[str]:
    """The kubeconfig of a ServiceAccount to which nothing is granted, and which lives in a namespace of its name."""
    namespace = f"powerless-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", namespace)
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    yield str(control_plane.service_account_kubeconfig(namespace, "operator"))
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def watcher(control_plane: ControlPlane, powerless: str) -> str:
    """The kubeconfig of the same, which may list connectors."""
    account = yaml.safe_load(Path(powerless).read_text(encoding="utf-8"))["contexts"][0]["context"]["namespace"]
    rules = ["--verb=get,list,watch", "--resource=aponoconnectors.apono.io"]
    control_plane.kubectl("create", "clusterrole", account, *rules)
    control_plane.kubectl(
        "create", "clusterrolebinding", account, f"--clusterrole={account}", f"--serviceaccount={account}:operator"
    )
    return powerless


def test_neither_boundary_nor_allowance(refusal: Refusal) -> None:
    line = refusal()

    assert line.startswith("no permissions boundary is configured. Set APONO_OPERATOR_PERMISSIONS_BOUNDARIES")


def test_a_mistyped_variable(refusal: Refusal) -> None:
    line = refusal(**ALLOWANCE, APONO_OPERATOR_WATCH_NAMESPACE="team-a")

    assert line == (
        "APONO_OPERATOR_WATCH_NAMESPACE: there is no such setting. The nearest is APONO_OPERATOR_WATCH_NAMESPACES"
    )


def test_no_way_to_an_api_server(refusal: Refusal) -> None:
    line = refusal(**ALLOWANCE)

    assert line.startswith("no way to the API server: ")
    assert line.endswith("Run in a cluster, or set KUBECONFIG.")


def test_an_api_server_that_is_away(refusal: Refusal, good: dict[str, str], tmp_path: Path) -> None:
    config = yaml.safe_load(Path(good["KUBECONFIG"]).read_text(encoding="utf-8"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config["clusters"][0]["cluster"]["server"] = server = f"https://127.0.0.1:{free.getsockname()[1]}"
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")

        line = refusal(**{**good, "KUBECONFIG": str(kubeconfig)})

    assert f"the API server {server} does not answer (NewConnectionError)" in line


def test_no_custom_resource_definition(refusal: Refusal, good: dict[str, str]) -> None:
    with ControlPlane.start() as empty:
        line = refusal(**{**good, "KUBECONFIG": str(empty.kubeconfig)})

    assert line == (
        "the custom resource definition of AponoConnector is not installed. "
        "Install it: apono-operator crds | kubectl apply --server-side -f -"
    )


def test_no_permission_to_list(refusal: Refusal, good: dict[str, str], powerless: str) -> None:
    del good["APONO_OPERATOR_WATCH_NAMESPACES"]

    line = refusal(**{**good, "KUBECONFIG": powerless})

    assert line.startswith("no permission to list aponoconnectors in all namespaces: grant it to the operator's")
    assert 'cannot list resource "aponoconnectors"' in line


def test_no_permission_to_list_in_one_of_the_watched_namespaces(
    refusal: Refusal, good: dict[str, str], powerless: str
) -> None:
    line = refusal(**{**good, "KUBECONFIG": powerless, "APONO_OPERATOR_WATCH_NAMESPACES": "team-a,team-b"})

    assert line.startswith("no permission to list aponoconnectors in namespace team-a: ")


def test_a_selector_that_is_none(refusal: Refusal, good: dict[str, str]) -> None:
    line = refusal(**good, APONO_OPERATOR_WATCH_SELECTOR="shard==a==b")

    assert """found '==', expected: ','""" in line


def test_no_permission_for_the_lease(refusal: Refusal, good: dict[str, str], watcher: str) -> None:
    line = refusal(**{**good, "KUBECONFIG": watcher}, APONO_OPERATOR_NAMESPACE="team-a")

    assert line.startswith(
        "no permission for the Lease team-a/apono-operator: grant it to the operator's ServiceAccount"
    )
    assert "APONO_OPERATOR_LEADER_ELECTION=false" in line
    assert 'cannot get resource "leases"' in line


def test_a_port_that_is_taken(refusal: Refusal) -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]

        line = refusal(**{**ALLOWANCE, "APONO_OPERATOR_HTTP_PORT": str(port)})

    assert line.startswith(f"the port {port} of APONO_OPERATOR_HTTP_PORT cannot be served: Address already in use.")


def test_no_aws_credentials(refusal: Refusal, good: dict[str, str]) -> None:
    line = refusal(**{name: value for name, value in good.items() if not name.startswith("AWS_") or "KEY" not in name})

    assert line.startswith("no AWS credentials that AWS accepts. On EKS, annotate the operator's ServiceAccount")
    assert "Unable to locate credentials" in line


def test_aws_credentials_that_aws_rejects(refusal: Refusal, good: dict[str, str]) -> None:
    line = refusal(**{**good, "AWS_SECRET_ACCESS_KEY": "wrong"})

    assert line.startswith("no AWS credentials that AWS accepts. ")
    assert "SignatureDoesNotMatch" in line
    assert good["AWS_ACCESS_KEY_ID"] not in line


def test_a_role_that_does_not_trust_the_operators_service_account(
    refusal: Refusal, good: dict[str, str], aws: FrontDoor, account: Account, tmp_path: Path
) -> None:
    issuer = Issuer(ISSUER)
    issuer.introduce(aws, account)
    iam = account.client("iam")
    role = iam.create_role(RoleName="operator", AssumeRolePolicyDocument=issuer.trust(account))["Role"]
    token_file = tmp_path / "token"
    token_file.write_text(issuer.token(datetime.now(UTC), sub="system:serviceaccount:a:b"), encoding="utf-8")
    environment = {name: value for name, value in good.items() if "ACCESS_KEY" not in name}

    line = refusal(**environment, AWS_ROLE_ARN=role["Arn"], AWS_WEB_IDENTITY_TOKEN_FILE=str(token_file))

    assert line.startswith("no AWS credentials that AWS accepts. ")
    assert "sts:AssumeRoleWithWebIdentity: AccessDenied" in line


def test_an_aws_that_is_away(refusal: Refusal, good: dict[str, str]) -> None:
    line = refusal(**{**good, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})

    assert line == "sts:GetCallerIdentity: no answer from 127.0.0.1 (EndpointConnectionError)"
