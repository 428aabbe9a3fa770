"""The tools of the control plane: which program comes from which Go module in which version."""

from __future__ import annotations

from dataclasses import dataclass, field

KUBERNETES = "k8s.io/kubernetes"
KUBERNETES_VERSION = "v1.37.2"
KWOK_VERSION = "v0.8.0"
HELM_VERSION = "v4.3.1"
HELM_3_VERSION = "v3.22.0"
KUBECONFORM_VERSION = "v0.8.0"
ARGO_CD = "github.com/argoproj/argo-cd/v3"
ARGO_CD_VERSION = "v3.6.1"
COMMANDS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE_COMMANDS = ("kubelet", "kube-proxy")


@dataclass(frozen=True)
class Module:
    """A directory under `go/` whose go.mod names tools and nothing else.

    `requires` maps Go module to version, `tools` program to main package, `variables` Go variable to the value
    that the linker gives it, and `replaced` names the module whose own replacements must hold here as well. What is
    `apart` is built when somebody names it, and not with the rest.
    """

    name: str
    requires: dict[str, str]
    tools: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    replaced: str | None = None
    apart: bool = False


def _kubernetes_version() -> dict[str, str]:
    """Without these the API server calls itself v0.0.0, and clients complain about version skew."""
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    values = {"gitVersion": KUBERNETES_VERSION, "gitMajor": major, "gitMinor": minor}
    return {f"k8s.io/component-base/version.{name}": value for name, value in values.items()}


MODULES = (
    Module(
        "kubernetes",
        requires={KUBERNETES: KUBERNETES_VERSION},
        tools={
            "etcd": "go.etcd.io/etcd/server/v3",
            **{command: f"{KUBERNETES}/cmd/{command}" for command in COMMANDS},
        },
        variables=_kubernetes_version(),
        replaced=KUBERNETES,
    ),
    # A module of its own, so that nobody builds a kubelet who wants no node.
    Module(
        "node",
        requires={KUBERNETES: KUBERNETES_VERSION},
        tools={command: f"{KUBERNETES}/cmd/{command}" for command in NODE_COMMANDS},
        variables=_kubernetes_version(),
        replaced=KUBERNETES,
        apart=True,
    ),
    Module(
        "kwok",
        requires={"sigs.k8s.io/kwok": KWOK_VERSION},
        tools={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        variables={"sigs.k8s.io/kwok/pkg/consts.Version": KWOK_VERSION},
    ),
    Module(
        "helm",
        requires={"helm.sh/helm/v4": HELM_VERSION, "github.com/yannh/kubeconform": KUBECONFORM_VERSION},
        tools={
            "helm": "helm.sh/helm/v4/cmd/helm",
            "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
        },
        variables={
            "helm.sh/helm/v4/internal/version.version": HELM_VERSION,
            "main.version": KUBECONFORM_VERSION,
        },
    ),
    Module(
        "helm3",
        requires={"helm.sh/helm/v3": HELM_3_VERSION},
        tools={"helm3": "helm.sh/helm/v3/cmd/helm"},
        variables={"helm.sh/helm/v3/internal/version.version": HELM_3_VERSION},
    ),
    Module(
        "argocd",
        requires={ARGO_CD: ARGO_CD_VERSION},
        tools={"argocd": f"{ARGO_CD}/cmd"},
        variables={f"{ARGO_CD}/common.version": ARGO_CD_VERSION.removeprefix("v")},
        replaced=ARGO_CD,
        apart=True,
    ),
)
