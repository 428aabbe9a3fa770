"""What the stories of all modes have in common: a manifest, pods that get at the role, and a deletion."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import yaml

from sandbox.aws import Account
from sandbox.aws.identity.callers import AccessKey, Caller
from sandbox.demo.narration import NAMESPACE, PATIENCE, Narration, NotSeenError
from sandbox.installation import AUDIENCE

TOKEN: Final = "a-token-made-up-for-the-demonstration"  # noqa: S105 -- as it says


class Story:
    """A connector's life, told from outside: by kubectl and by AWS' own answers.

    Args:
        narration: Where it is told.
        account: The account of the cluster.
        manifest: The AponoConnector.
        source: How the manifest came about.
    """

    def __init__(self, narration: Narration, account: Account, manifest: dict[str, Any], source: str) -> None:
        self.told = narration
        self.account = account
        self.name: str = manifest["metadata"]["name"]
        self._manifest = manifest
        self._source = source
        self._child = f"apono-connector-{self.name}"

    def apply(self) -> None:
        """Apply the manifest, with its token."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._manifest["spec"]["tokenSecretRef"]["name"], "namespace": NAMESPACE},
            "stringData": {"token": TOKEN},
        }
        documents = yaml.safe_dump_all([secret, self._manifest], sort_keys=False)
        self.told.control_plane.kubectl("apply", "-f", "-", stdin=documents)
        self.told.tick(f"kubectl apply -f {self._source}")
        self.told.console.print(yaml.safe_dump(self._manifest, sort_keys=False), style="dim", end="")

    def connector(self) -> dict[str, Any]:
        """The AponoConnector as it is now."""
        return self.told.get("aponoconnector", self.name)

    def become_ready(self) -> dict[str, Any]:
        """Wait for readiness; return the status."""
        began = time.monotonic()
        connector = self.told.seen("the connector is Ready", self._ready)
        self.told.tick(f"Ready after {time.monotonic() - began:.1f} s")
        status: dict[str, Any] = connector["status"]
        return status

    def look_at_pods(self, role_arn: str) -> None:
        """Look that a pod runs with the role.

        Raises:
            NotSeenError: It does not.
        """
        annotations = self.told.get("serviceaccount", self._child)["metadata"]["annotations"]
        if annotations.get("eks.amazonaws.com/role-arn") != role_arn:
            raise NotSeenError(f"ServiceAccount {self._child} does not name the role: {annotations}")
        self.told.get("secret", self._child)
        self.told.tick("ServiceAccount with the role, pull Secret, Deployment")
        (pod,) = self.told.seen("a pod runs", self._pods)
        env = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
        if env.get("AWS_ROLE_ARN") != role_arn:
            raise NotSeenError(f"pod {pod['metadata']['name']} runs without the role: {sorted(env)}")
        self.told.tick(f"Pod {pod['metadata']['name']} runs, with AWS_ROLE_ARN injected")

    def use_the_role(self, role_arn: str) -> AccessKey:
        """Do what an AWS SDK does in the pod: exchange the ServiceAccount's token for the role."""
        token = self.told.control_plane.service_account_token(NAMESPACE, self._child, AUDIENCE)
        answer = self.account.client("sts").assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="demo", WebIdentityToken=token
        )
        user, credentials = answer["AssumedRoleUser"], answer["Credentials"]
        self.told.tick(f"The pod's token opens the role: {user['Arn']}")
        caller = Caller(self.account.account_id, self.account.partition, user["Arn"], user["AssumedRoleId"])
        return AccessKey(
            credentials["AccessKeyId"], credentials["SecretAccessKey"], caller, credentials["SessionToken"]
        )

    def counted(self) -> dict[str, Any] | None:
        """The status, once it counts member accounts and none is waited for."""
        status: dict[str, Any] = self.connector().get("status", {})
        members = status.get("memberAccounts") or {}
        return status if members.get("current") and not members.get("outdated") else None

    def show_status(self) -> str:
        """Show, and return, how kubectl lists the connector."""
        wide = self.told.control_plane.kubectl("get", "aponoconnectors", "-n", NAMESPACE, "-o", "wide")
        self.told.console.print("[bold]kubectl get aponoconnectors -o wide[/]")
        self.told.console.print(wide, highlight=False, soft_wrap=True, end="")
        return wide

    def delete(self) -> None:
        """Delete the connector, and wait until it is gone."""
        self.told.control_plane.kubectl(
            "delete", "aponoconnector", self.name, "-n", NAMESPACE, f"--timeout={PATIENCE}s"
        )

    def children_are_gone(self) -> bool:
        """Whether nothing in the cluster is left of it."""
        kinds = "deployments,serviceaccounts,secrets,pods"
        left = self.told.control_plane.kubectl(
            "get", kinds, "-n", NAMESPACE, "-l", f"apono.io/connector={self.name}", "-o", "name"
        )
        return not left.strip()

    def _ready(self) -> dict[str, Any] | None:
        connector = self.connector()
        conditions = connector.get("status", {}).get("conditions", [])
        return connector if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) else None

    def _pods(self) -> list[dict[str, Any]]:
        text = self.told.control_plane.kubectl(
            "get", "pods", "-n", NAMESPACE, "-l", f"apono.io/connector={self.name}", "-o", "json"
        )
        pods: list[dict[str, Any]] = json.loads(text)["items"]
        return pods


def role_is_gone(account: Account, role_arn: str) -> bool:
    """Whether IAM has no such role."""
    iam = account.client("iam")
    try:
        iam.get_role(RoleName=role_arn.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        return True
    return False
