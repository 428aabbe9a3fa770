"""The operator installed as on EKS: what its chart renders in the cluster, and its role and providers in AWS.

The operator itself runs as a process beside the control plane, under the ServiceAccount and the rights of the
chart, with the environment of the chart's Deployment, and with AWS credentials that it gets by its projected
token, as a pod would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.aws import Account, FrontDoor
from sandbox.bootstrap import ManagedOrganization, bootstrap, bootstrap_account
from sandbox.controlplane import CommandError, ControlPlane, helm
from sandbox.operator_process import OperatorProcess

ROOT: Final = Path(__file__).resolve().parent.parent
CHART: Final = ROOT / "charts" / "apono-operator"
CRD: Final = ROOT / "crds" / "apono.io_aponoconnectors.yaml"
RELEASE: Final = "apono-operator"
ROLE_ANNOTATION: Final = "eks.amazonaws.com/role-arn"
AUDIENCE: Final = "sts.amazonaws.com"
DAY: Final = 86_400
PATIENCE: Final = 30.0
"""Seconds within which the API server must serve a new kind."""

Document = dict[str, Any]


def install_crd(control_plane: ControlPlane) -> None:
    """Install the custom resource definition and wait until it is served.

    Raises:
        CommandError: the API server refuses it, or does not serve it in time.
    """
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRD))
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            control_plane.kubectl("get", "--raw", "/apis/apono.io/v1alpha1/aponoconnectors")
        except CommandError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@dataclass(frozen=True)
class Installation:
    """One installation of the operator: a namespace of the cluster and an account of AWS.

    Attributes:
        control_plane: The cluster.
        aws: AWS.
        account: The account that the operator's role belongs to.
        namespace: The namespace that the chart was installed into.
        boundaries: The permissions boundary of each permission set, ARNs.
        environment: What the operator's process runs with.
        management_account: The chart's entry of the management account; None outside of organizations.
        preloaded: Whether its processes are forked from one that has imported the operator, see `preloaded`.
    """

    control_plane: ControlPlane
    aws: FrontDoor
    account: Account
    namespace: str
    boundaries: Mapping[str, str]
    environment: Mapping[str, str]
    management_account: Mapping[str, Any] | None = None
    preloaded: bool = False

    @classmethod
    def install(
        cls,
        control_plane: ControlPlane,
        aws: FrontDoor,
        account: Account,
        namespace: str,
        values: Mapping[str, Any] | None = None,
    ) -> Installation:
        """Install into *namespace*, which is created if it is missing, and into *account*, by a stack.

        Args:
            control_plane: The cluster; the custom resource definition must be installed.
            aws: AWS.
            account: The account of the operator's role.
            namespace: Where the chart goes.
            values: Chart values besides boundaries, region and role.

        Raises:
            BootstrapError: CloudFormation did not make the stack.
            CommandError: kubectl refused what the chart rendered.
            subprocess.CalledProcessError: Helm refused the values, or the template was not printed.
        """
        chart = values or {}
        issuer, policies = control_plane.issuer.removeprefix("https://"), chart.get("allowedManagedPolicyArns", ())
        made = bootstrap_account(account, issuer, namespace, policies)
        return cls._install(control_plane, aws, account, namespace, made.operator_role_arn, made.boundaries, chart)

    @classmethod
    def install_for_organization(
        cls,
        control_plane: ControlPlane,
        aws: FrontDoor,
        account: Account,
        managed: ManagedOrganization,
        namespace: str,
        values: Mapping[str, Any] | None = None,
        management_account: Mapping[str, Any] | None = None,
    ) -> Installation:
        """Install as docs/bootstrap.md says, with the stacks of both accounts.

        Args:
            control_plane: The cluster; the custom resource definition must be installed.
            aws: AWS.
            account: The account of the operator's role, a member of the organization that knows the cluster's issuer.
            managed: The organization.
            namespace: Where the chart goes.
            values: Chart values besides boundaries, management accounts, region and role.
            management_account: What is otherwise in the management account's entry of the chart than the stacks'
                outputs, the one unit, and all namespaces; None takes a key away.

        Raises:
            BootstrapError: CloudFormation did not make one of the stacks.
            CommandError: kubectl refused what the chart rendered.
            subprocess.CalledProcessError: Helm refused the values, or the templates were not printed.
        """
        issuer, policies = (
            control_plane.issuer.removeprefix("https://"),
            (values or {}).get("allowedManagedPolicyArns", ()),
        )
        made = bootstrap(aws, account, managed, issuer, namespace, policies)
        given = {**made.management_account, "namespaces": ["*"], **(management_account or {})}
        entry = {key: value for key, value in given.items() if value is not None}
        chart = {"managementAccounts": [entry], **(values or {})}
        return cls._install(control_plane, aws, account, namespace, made.operator_role_arn, made.boundaries, chart)

    @classmethod
    def _install(
        cls,
        control_plane: ControlPlane,
        aws: FrontDoor,
        account: Account,
        namespace: str,
        role_arn: str,
        boundaries: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> Installation:
        documents = _rendered(namespace, chart_values(boundaries, role_arn, values))
        _apply(control_plane, namespace, documents)
        deployment = next(one for one in documents if one["kind"] == "Deployment")
        environment = pod_environment(control_plane, aws, account, deployment, role_arn)
        entry = next(iter(values.get("managementAccounts", ())), None)
        return cls(control_plane, aws, account, namespace, boundaries, environment, entry)

    @classmethod
    def deployed(
        cls,
        control_plane: ControlPlane,
        aws: FrontDoor,
        account: Account,
        namespace: str,
        boundaries: Mapping[str, str],
    ) -> Installation:
        """Take the chart as somebody else has deployed it into *namespace*, such as Argo CD.

        Args:
            control_plane: The cluster.
            aws: AWS.
            account: The account of the operator's role, bootstrapped.
            namespace: Where the chart is.
            boundaries: The permissions boundaries that it was given.

        Raises:
            CommandError: the chart's Deployment or ServiceAccount is not there.
        """
        flags = (f"--namespace={namespace}", "--output=json")
        deployment = json.loads(control_plane.kubectl("get", "deployment", RELEASE, *flags))
        service_account = json.loads(control_plane.kubectl("get", "serviceaccount", RELEASE, *flags))
        role_arn = service_account["metadata"]["annotations"][ROLE_ANNOTATION]
        environment = pod_environment(control_plane, aws, account, deployment, role_arn)
        return cls(control_plane, aws, account, namespace, boundaries, environment)

    def start(self, **overrides: str) -> OperatorProcess:
        """Start the operator; *overrides* replace variables of its environment.

        Raises:
            OperatorEndedError: it ended instead of serving; the message holds its log.
        """
        process = self.begin(**overrides)
        process.wait_until_serving()
        return process

    def begin(self, **overrides: str) -> OperatorProcess:
        """Start the operator as `start` does, and wait for nothing: it may have to wait for another that leads."""
        variables = {**self.environment, **overrides}
        return OperatorProcess(variables, self.control_plane.directory, preloaded=self.preloaded)


def create_oidc_provider(account: Account, issuer: str) -> str:
    """Register the cluster's issuer in the account's IAM, which is done once a cluster; return the ARN."""
    answer = account.client("iam").create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE])
    return answer["OpenIDConnectProviderArn"]


def chart_values(boundaries: Mapping[str, str], role_arn: str, values: Mapping[str, Any]) -> Document:
    """The chart's values of an operator with that role and these boundaries; *values* go on top."""
    annotations = {ROLE_ANNOTATION: role_arn}
    return {
        "permissionsBoundaries": dict(boundaries),
        "serviceAccount": {"annotations": annotations},
        "replicas": 1,  # a process each, beside the cluster: many of them on one machine
        "leaderElection": False,
        "httpPort": 0,
        "crds": {"install": False},  # it is there, and reading it takes longer than all the rest
        "logFormat": "console",
        **values,
    }


def _rendered(namespace: str, values: Document) -> list[Document]:
    command = [str(helm()), "template", RELEASE, str(CHART), "--namespace", namespace, "--values", "-"]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=True)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


_INSTALLED: Final = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def _apply(control_plane: ControlPlane, namespace: str, documents: list[Document]) -> None:
    """Apply what the chart renders, without the Deployment: its container is our process."""
    mine = [document for document in documents if document["kind"] in _INSTALLED and not _is_hook(document)]
    places = {namespace} | {document["metadata"].get("namespace", namespace) for document in mine}
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(places)]
    control_plane.apply([*namespaces, *mine])


def _is_hook(document: Document) -> bool:
    """Hooks are Helm's to run, see `sandbox.release`."""
    return "helm.sh/hook" in document["metadata"].get("annotations", {})


def pod_environment(
    control_plane: ControlPlane, aws: FrontDoor, account: Account, deployment: Document, role_arn: str
) -> dict[str, str]:
    """Return what a process needs to stand in for the one container of *deployment*'s pods, with their identity.

    Args:
        control_plane: The cluster, which has the Deployment's ServiceAccount.
        aws: AWS.
        account: The account whose region is the operator's.
        deployment: The operator's Deployment.
        role_arn: The role that its ServiceAccount names.

    Raises:
        CommandError: There is no such ServiceAccount.
    """
    namespace, pod = deployment["metadata"]["namespace"], deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    kubeconfig = control_plane.service_account_kubeconfig(namespace, pod["serviceAccountName"])
    token = control_plane.service_account_token(namespace, pod["serviceAccountName"], AUDIENCE, DAY)
    identity = _identity(aws, account, role_arn, kubeconfig.with_name("token"), token)
    return process_environment(control_plane, kubeconfig) | identity | dict(_variables(container, namespace))


def _variables(container: Document, namespace: str) -> Iterator[tuple[str, str]]:
    for variable in container.get("env", ()):
        if "valueFrom" in variable:
            path = variable["valueFrom"]["fieldRef"]["fieldPath"]
            if path != "metadata.namespace":
                raise ValueError(f"{variable['name']}: the sandbox does not know the field {path}")
            yield variable["name"], namespace
        else:
            yield variable["name"], variable["value"]


def process_environment(control_plane: ControlPlane, kubeconfig: Path) -> dict[str, str]:
    """Return what any process of the operator needs here, before its settings and its identity in AWS."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(control_plane.directory),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "KUBECONFIG": str(kubeconfig),
    }


def _identity(aws: FrontDoor, account: Account, role_arn: str, token_file: Path, token: str) -> dict[str, str]:
    descriptor = os.open(token_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token)
    return {
        "AWS_ROLE_ARN": role_arn,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file),
        **aws.environment_without_credentials(account.region),
    }
