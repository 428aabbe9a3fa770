"""A release of the operator's chart by Helm itself, whose pods' containers are processes beside the control plane.

KWOK plays the pods, in which no container runs: `Release.start` runs the operator in place of the Deployment's, under
its ServiceAccount and with its environment, and `Release.uninstall` runs what the pre-delete hook's Job asks for, and
tells Kubernetes how that ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox.aws import Account, FrontDoor
from sandbox.controlplane import ControlPlane
from sandbox.installation import CHART, RELEASE, pod_environment, process_environment
from sandbox.operator_process import OperatorProcess

PATIENCE: Final = 60.0
"""Seconds within which Helm must be done."""

UNREADY_TAG: Final = "never-ready"
"""The image's tag of pods whose containers are processes of ours: KWOK leaves them as they are."""

ROLE_ARN: Final = "eks.amazonaws.com/role-arn"
_POLL: Final = 0.1
_HOOK_SELECTOR: Final = f"app.kubernetes.io/name=apono-operator-uninstall,app.kubernetes.io/instance={RELEASE}"

Document = dict[str, Any]


class HelmError(Exception):
    """Helm refused; the message is its standard error."""


@dataclass(frozen=True)
class Release:
    """A release of a chart in one namespace.

    Attributes:
        control_plane: The cluster.
        aws: AWS.
        account: The account of the operator's role.
        namespace: The release's namespace, which exists.
        helm: The program.
        name: Of the release; processes stand in only for pods of one that is called as the operator.
    """

    control_plane: ControlPlane
    aws: FrontDoor
    account: Account
    namespace: str
    helm: Path
    name: str = RELEASE

    def install(self, values: Mapping[str, Any], chart: Path = CHART) -> None:
        """Install it.

        Raises:
            HelmError: Helm, or the API server, refused.
        """
        self._helm("install", self.name, str(chart), values=values)

    def upgrade(self, values: Mapping[str, Any], chart: Path = CHART) -> None:
        """Upgrade it, with these values beside the present ones.

        Raises:
            HelmError: Helm, or the API server, refused.
        """
        self._helm("upgrade", self.name, str(chart), "--reuse-values", values=values)

    def rollback(self, revision: int) -> None:
        """Go back to an earlier revision.

        Raises:
            HelmError: Helm, or the API server, refused.
        """
        self._helm("rollback", self.name, str(revision))

    def uninstall(self, *options: str) -> str:
        """Uninstall it with these options, running what its hook asks for; return what the hook said.

        Raises:
            HelmError: The hook, or the API server, refused; the message holds what both said.
        """
        command = self._command("uninstall", self.name, *options)
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, deadline = "", time.monotonic() + PATIENCE
        while process.poll() is None:
            said += self._play_hook()
            if time.monotonic() > deadline:
                process.kill()
                raise HelmError(f"helm uninstall is not done after {PATIENCE:.0f} s; the hook said: {said}")
            time.sleep(_POLL)
        output, _ = process.communicate()
        if process.returncode:
            raise HelmError(f"{said}{output.decode()}")
        return said

    def start(self) -> OperatorProcess:
        """Start the operator in place of the Deployment's pod, as the Deployment is now.

        Raises:
            CommandError: There is no Deployment.
            OperatorEndedError: it ended instead of serving; the message holds its log.
        """
        deployment = self.get("deployment", RELEASE)
        account = self.get("serviceaccount", deployment["spec"]["template"]["spec"]["serviceAccountName"])
        role_arn = account["metadata"]["annotations"][ROLE_ARN]
        environment = pod_environment(self.control_plane, self.aws, self.account, deployment, role_arn)
        process = OperatorProcess(environment, self.control_plane.directory, preloaded=True)
        process.wait_until_serving()
        return process

    def get(self, kind: str, name: str) -> Document:
        """Return an object of the release's namespace, or one without a namespace.

        Raises:
            CommandError: There is none.
        """
        text = self.control_plane.kubectl("get", kind, name, f"--namespace={self.namespace}", "--output=json")
        found: Document = json.loads(text)
        return found

    def _play_hook(self) -> str:
        """Run the container of the hook's pod, if there is one that nobody ran; return what it said."""
        listing = ("get", "pods", f"--namespace={self.namespace}", f"--selector={_HOOK_SELECTOR}", "--output=json")
        pods = json.loads(self.control_plane.kubectl(*listing))["items"]
        return "".join(self._run(pod) for pod in pods if pod.get("status", {}).get("phase") == "Running")

    def _run(self, pod: Document) -> str:
        (container,) = pod["spec"]["containers"]
        kubeconfig = self.control_plane.service_account_kubeconfig(self.namespace, pod["spec"]["serviceAccountName"])
        done = subprocess.run(
            [sys.executable, "-m", "apono_operator", *container["args"]],
            env=process_environment(self.control_plane, kubeconfig),
            capture_output=True,
            text=True,
            check=False,
        )
        self._tell(pod, done.returncode, done.stderr)
        return done.stdout + done.stderr

    def _tell(self, pod: Document, status: int, message: str) -> None:
        """Tell Kubernetes how the pod ended, as its node would."""
        (container,) = pod["status"]["containerStatuses"]
        state = {"terminated": {"exitCode": status, "reason": "Error" if status else "Completed", "message": message}}
        ended = {**container, "ready": False, "started": False, "state": state}
        body = {"status": {"phase": "Failed" if status else "Succeeded", "containerStatuses": [ended]}}
        self.control_plane.kubectl(
            "patch",
            "pod",
            pod["metadata"]["name"],
            f"--namespace={self.namespace}",
            "--subresource=status",
            "--type=merge",
            f"--patch={json.dumps(body)}",
        )

    def _helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> None:
        given = ["--values=-"] if values is not None else []
        done = subprocess.run(
            [*self._command(*arguments), *given],
            env=self._environment,
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode:
            raise HelmError(done.stderr)

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.helm), *arguments, f"--namespace={self.namespace}"]

    @property
    def _environment(self) -> dict[str, str]:
        home = self.control_plane.directory / "helm"
        homes = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return {**homes, "HOME": str(home), "KUBECONFIG": str(self.control_plane.kubeconfig)}
