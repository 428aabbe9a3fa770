"""The main job, from manifest to Ready to gone, on a real control plane, each step really seen.

`python -m sandbox demo` ends with status 0 only if every step was seen to be true.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import tenacity
import yaml
from rich.console import Console

from sandbox.aws import Account
from sandbox.controlplane import CommandError, ControlPlane
from sandbox.installation import AUDIENCE, CRD, ROOT, Installation
from sandbox.surroundings import Surroundings, surroundings

NAMESPACE: Final = "apono"
EXAMPLE: Final = ROOT / "examples" / "account-read-only.yaml"
TOKEN: Final = "a-token-made-up-for-the-demonstration"  # noqa: S105 -- as it says
PATIENCE: Final = 60

T = TypeVar("T")


class NotSeenError(Exception):
    """A step of the story did not come true."""


def run(console: Console, example: Path = EXAMPLE) -> None:
    """Tell the story.

    Raises:
        NotSeenError: a step did not come true; the message says which, and what was seen instead.
        ControlPlaneError: the control plane did not come up.
    """
    began = time.monotonic()
    with console.status("Starting etcd, kube-apiserver, controllers, scheduler, KWOK and AWS …"):
        control_plane = ControlPlane.chosen(crds=[CRD])
    with control_plane, surroundings(control_plane) as around:
        account = around.create_account()
        installation = Installation.install(control_plane, around.aws, account, NAMESPACE)
        console.print(f"[green]✓[/] Kubernetes answers at {control_plane.server}, AWS at {around.aws.endpoint_url}")
        with installation.start() as operator:
            console.print(f"[green]✓[/] apono-operator serves, as ServiceAccount {NAMESPACE}/apono-operator")
            Story(console, around, account, yaml.safe_load(example.read_text(encoding="utf-8"))).tell()
            if operator.exit_status is not None:
                raise NotSeenError(f"the operator ended with status {operator.exit_status}")
    console.print(f"[bold green]All of it was seen[/], in {time.monotonic() - began:.1f} s.")


class Story:
    """A connector's life, told from outside: by kubectl and by AWS' own answers.

    Args:
        console: Where it is told.
        around: Cluster and AWS.
        account: The account that the connector is for.
        manifest: The AponoConnector.
    """

    def __init__(self, console: Console, around: Surroundings, account: Account, manifest: dict[str, Any]) -> None:
        self._console = console
        self._around = around
        self._control_plane = around.control_plane
        self._iam = account.client("iam")
        self._account = account
        self._manifest = manifest
        self._name: str = manifest["metadata"]["name"]
        self._child = f"apono-connector-{self._name}"

    def tell(self) -> None:
        """Apply the manifest, look at all that comes of it, delete it, and look that nothing is left.

        Raises:
            NotSeenError: a step did not come true.
        """
        self._apply()
        role_arn = self._become_ready()
        self._look_at_role(role_arn)
        self._look_at_pods(role_arn)
        self._use_the_role(role_arn)
        self._show_status()
        self._delete(role_arn)

    def _apply(self) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._manifest["spec"]["tokenSecretRef"]["name"], "namespace": NAMESPACE},
            "stringData": {"token": TOKEN},
        }
        documents = yaml.safe_dump_all([secret, self._manifest], sort_keys=False)
        self._control_plane.kubectl("apply", "-f", "-", stdin=documents)
        self._tick(f"kubectl apply -f {EXAMPLE.relative_to(ROOT)}")
        self._console.print(yaml.safe_dump(self._manifest, sort_keys=False), style="dim", end="")

    def _become_ready(self) -> str:
        began = time.monotonic()
        connector = self._seen("the connector is Ready", self._ready)
        self._tick(f"Ready after {time.monotonic() - began:.1f} s")
        return str(connector["status"]["connectorRoleArn"])

    def _ready(self) -> dict[str, Any] | None:
        connector = self._get("aponoconnector", self._name)
        conditions = connector.get("status", {}).get("conditions", [])
        return connector if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) else None

    def _look_at_role(self, role_arn: str) -> None:
        name = role_arn.rpartition("/")[2]
        role: Mapping[str, Any] = self._iam.get_role(RoleName=name)["Role"]
        trust = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
        attached = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = self._iam.list_role_policies(RoleName=name)["PolicyNames"]
        if role["Arn"] != role_arn or not inline or not attached:
            raise NotSeenError(f"IAM's role {name} is not as the status says: {role['Arn']}, {inline}, {attached}")
        self._tick("IAM has the role")
        self._tell_facts(
            {
                "ARN": role["Arn"],
                "unique id": role["RoleId"],
                "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
                "inline policy": ", ".join(inline),
                "managed policies": ", ".join(policy["PolicyName"] for policy in attached),
                "trusts": " and ".join(f"{key.rpartition(':')[2]} = {value}" for key, value in trust.items()),
            }
        )

    def _look_at_pods(self, role_arn: str) -> None:
        annotations = self._get("serviceaccount", self._child)["metadata"]["annotations"]
        if annotations.get("eks.amazonaws.com/role-arn") != role_arn:
            raise NotSeenError(f"ServiceAccount {self._child} does not name the role: {annotations}")
        self._get("secret", self._child)
        self._tick("ServiceAccount with the role, pull Secret, Deployment")
        (pod,) = self._seen("a pod runs", self._pods)
        env = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
        if env.get("AWS_ROLE_ARN") != role_arn:
            raise NotSeenError(f"pod {pod['metadata']['name']} runs without the role: {sorted(env)}")
        self._tick(f"Pod {pod['metadata']['name']} runs, with AWS_ROLE_ARN injected")

    def _pods(self) -> list[dict[str, Any]]:
        text = self._control_plane.kubectl(
            "get", "pods", "-n", NAMESPACE, "-l", f"apono.io/connector={self._name}", "-o", "json"
        )
        pods: list[dict[str, Any]] = json.loads(text)["items"]
        return pods

    def _use_the_role(self, role_arn: str) -> None:
        """Do what an AWS SDK does in the pod: exchange the ServiceAccount's token for the role."""
        token = self._control_plane.service_account_token(NAMESPACE, self._child, AUDIENCE)
        answer = self._account.client("sts").assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="demo", WebIdentityToken=token
        )
        self._tick(f"The pod's token opens the role: {answer['AssumedRoleUser']['Arn']}")

    def _show_status(self) -> None:
        wide = self._control_plane.kubectl("get", "aponoconnectors", "-n", NAMESPACE, "-o", "wide")
        self._console.print("[bold]kubectl get aponoconnectors -o wide[/]")
        self._console.print(wide, highlight=False, soft_wrap=True, end="")

    def _delete(self, role_arn: str) -> None:
        began = time.monotonic()
        self._control_plane.kubectl("delete", "aponoconnector", self._name, "-n", NAMESPACE, f"--timeout={PATIENCE}s")
        self._seen("the role is gone from IAM", lambda: self._role_is_gone(role_arn))
        self._seen("the children are gone from the cluster", self._children_are_gone)
        self._tick(
            "kubectl delete: role, Deployment, pods, ServiceAccount and Secret gone "
            f"after {time.monotonic() - began:.1f} s"
        )

    def _role_is_gone(self, role_arn: str) -> bool:
        try:
            self._iam.get_role(RoleName=role_arn.rpartition("/")[2])
        except self._iam.exceptions.NoSuchEntityException:
            return True
        return False

    def _children_are_gone(self) -> bool:
        kinds = "deployments,serviceaccounts,secrets,pods"
        left = self._control_plane.kubectl(
            "get", kinds, "-n", NAMESPACE, "-l", f"apono.io/connector={self._name}", "-o", "name"
        )
        return not left.strip()

    def _tell_facts(self, facts: Mapping[str, str]) -> None:
        for name, value in facts.items():
            self._console.print(f"    {name:<17} {value}", style="dim", highlight=False, soft_wrap=True)

    def _tick(self, what: str) -> None:
        self._console.print(f"[green]✓[/] {what}", highlight=False, soft_wrap=True)

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(
                self._control_plane.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")
            )
        except CommandError as error:
            raise NotSeenError(str(error)) from error
        return document

    def _seen(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something to see."""
        looking = tenacity.Retrying(
            stop=tenacity.stop_after_delay(PATIENCE),
            wait=tenacity.wait_fixed(0.1),
            retry=tenacity.retry_if_result(lambda result: not result),
        )
        try:
            with self._console.status(f"Waiting until {what} …"):
                seen = looking(look)
        except tenacity.RetryError as error:
            state = self._control_plane.kubectl("get", "aponoconnectors", "-n", NAMESPACE, "-o", "yaml")
            raise NotSeenError(f"not seen within {PATIENCE} s: {what}\n{state}") from error
        if seen is None:
            raise NotSeenError(what)
        return seen
