"""How a connector's pods run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.crd.row import (
    Required,
    Row,
    at_most,
    bounded_text,
    choice,
    dns_subdomain,
    label_value,
    numbers,
    pattern,
    quantity,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = "spec.deployment"
_IDS = 2**31 - 1
_LONGEST_KEY = f"{'a' * 253}/{'b' * 63}"

OWN_VARIABLES = "APONO_* and AWS_* are set by the operator and by EKS: remove them"
OWN_METADATA = (
    " of apono.io/*, app.kubernetes.io/*, eks.amazonaws.com/*, argocd.argoproj.io/* "
    "are set by the operator: remove them"
)
METADATA_KEYS = (
    "keys must be label keys: an optional DNS prefix of up to 253 characters and a slash, "
    "then up to 63 letters, digits, '-', '_' or '.'"
)
PRIORITY = "priority classes system-* are the cluster's own: choose another"
KEY_PREFIX = "the prefix before the slash has more than 253 characters: shorten it"
TOLERATION = "operator Exists takes no value: remove it, or write operator Equal"


def metadata_keys(path: str) -> Iterator[Row]:
    """Yield the rows of a dictionary's keys (Kubernetes, "Labels and Selectors")."""
    yield from rule(
        path,
        METADATA_KEYS,
        "has label keys",
        {"A-b_c.9": "a", "example.com/a": "a", _LONGEST_KEY: "a"},
        {"": "a"},
        {"-a": "a"},
        {"a b": "a"},
        {"a/b/c": "a"},
        {"/a": "a"},
        {"Example.com/a": "a"},
        {"a" * 64: "a"},
        {f"{'a' * 254}/b": "a"},
        {f"{'a' * 253}/{'b' * 64}": "a"},
        {"a\n": "a"},
    )


def own_metadata(path: str, what: str) -> Iterator[Row]:
    """Yield the rows of the prefixes that a user cannot write."""
    yield from rule(
        path,
        f"{what}{OWN_METADATA}",
        "leaves the operator and the cluster their keys",
        {"apono.io": "a", "example.com/apono.io": "a"},
        {"apono.io/connector": "a"},
        {"app.kubernetes.io/name": "a"},
        {"eks.amazonaws.com/skip-containers": "a"},
        {"argocd.argoproj.io/instance": "a"},
    )


def _toleration(key: str) -> dict[str, str]:
    return {"key": key, "operator": "Exists", "effect": "NoSchedule"}


REQUIRED = (
    Required(f"{_PATH}.imagePullSecrets[]", "name", "registry"),
    Required(f"{_PATH}.env[]", "name", "HTTPS_PROXY"),
    Required(f"{_PATH}.env[]", "value", ""),
    Required(f"{_PATH}.tolerations[]", "key", "dedicated"),
    Required(f"{_PATH}.tolerations[]", "operator", "Exists"),
    Required(f"{_PATH}.tolerations[]", "effect", "NoExecute"),
)

_IMAGE_ROWS: tuple[Row, ...] = (
    *bounded_text(f"{_PATH}.image", 512, shortest=1),
    *pattern(
        f"{_PATH}.image",
        "is a name in a registry",
        "registry.example:5000/team/apono-connector__x:v1.2.3",
        "registry.example/Connector",
        "registry.example/connector:",
        "registry.example/connector:-v1",
        "https://registry.example/connector",
        "registry.example/connector connector",
        "registry.example//connector",
        f"registry.example/connector:{'a' * 129}",
        "connector\n",
    ),
    *pattern(
        f"{_PATH}.image",
        "can have a digest",
        f"registry.example/connector:v1@sha256:{'0' * 64}",
        f"registry.example/connector@sha256:{'0' * 63}",
        f"registry.example/connector@md5:{'0' * 64}",
    ),
    *choice(f"{_PATH}.imagePullPolicy", "Sometimes", "Always", "IfNotPresent", "Never"),
    *dns_subdomain(f"{_PATH}.imagePullSecrets[].name"),
    Row(
        "imagePullSecrets has at least one Secret",
        f"{_PATH}.imagePullSecrets",
        "minItems",
        [{"name": "a"}],
        [],
        "should have at least 1 items",
    ),
    at_most(f"{_PATH}.imagePullSecrets", 10, "Secrets", [{"name": f"a{number}"} for number in range(11)]),
    Row(
        "imagePullSecrets names a Secret once",
        f"{_PATH}.imagePullSecrets",
        "x-kubernetes-list-type",
        [{"name": "a"}, {"name": "b"}],
        [{"name": "a"}, {"name": "a"}],
        "Duplicate value: ",
    ),
)

_CONTAINER_ROWS: tuple[Row, ...] = (
    *(
        row
        for amounts in ("requests", "limits")
        for resource in ("cpu", "memory", "ephemeral-storage")
        for row in quantity(f"{_PATH}.resources.{amounts}.{resource}")
    ),
    *bounded_text(f"{_PATH}.env[].name", 253, shortest=1),
    *pattern(f"{_PATH}.env[].name", "is the name of a variable", "_a9_Z", "9a", "A-B", "A.B", "A B", "A=B", "A\n"),
    *bounded_text(f"{_PATH}.env[].value", 4096),
    at_most(f"{_PATH}.env", 50, "variables", [{"name": f"V{number}", "value": ""} for number in range(51)]),
    Row(
        "env sets a variable once",
        f"{_PATH}.env",
        "x-kubernetes-list-type",
        [{"name": "A", "value": "1"}, {"name": "a", "value": "1"}],
        [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
        "Duplicate value: ",
    ),
    *rule(
        f"{_PATH}.env[].name",
        OWN_VARIABLES,
        "leaves the operator and EKS their variables",
        "MY_APONO_AWS_X",
        "APONO_TOKEN",
        "APONO_WEBSOCKET_SSL",
        "APONO_",
        "AWS_ROLE_ARN",
        "AWS_",
    ),
    *(
        row
        for name in ("runAsUser", "runAsGroup", "fsGroup")
        for row in numbers(f"{_PATH}.securityContext.{name}", 0, _IDS)
    ),
)

_POD_ROWS: tuple[Row, ...] = (
    *numbers(f"{_PATH}.replicas", 1, 10),
    *(
        row
        for labels in ("podLabels", "nodeSelector")
        for row in (*label_value(f"{_PATH}.{labels}{{}}"), *metadata_keys(f"{_PATH}.{labels}"))
    ),
    *(
        at_most(f"{_PATH}.{entries}", 20, "entries", {f"key-{number}": "" for number in range(21)})
        for entries in ("podLabels", "podAnnotations", "nodeSelector")
    ),
    *own_metadata(f"{_PATH}.podLabels", "labels"),
    *own_metadata(f"{_PATH}.podAnnotations", "annotations"),
    *metadata_keys(f"{_PATH}.podAnnotations"),
    *bounded_text(f"{_PATH}.podAnnotations{{}}", 4096, letter="ä"),
    *choice(f"{_PATH}.tolerations[].operator", "NotEqual", "Exists", "Equal"),
    *choice(f"{_PATH}.tolerations[].effect", "Never", "NoSchedule", "PreferNoSchedule", "NoExecute"),
    *bounded_text(f"{_PATH}.tolerations[].key", 317, shortest=1, admitted=_LONGEST_KEY),
    *pattern(f"{_PATH}.tolerations[].key", "is a label key", "example.com/a", "a/b/c", "-a", "a\n"),
    *rule(
        f"{_PATH}.tolerations[].key",
        KEY_PREFIX,
        "has a prefix of at most 253 characters",
        _LONGEST_KEY,
        f"{'a' * 254}/b",
    ),
    *label_value(f"{_PATH}.tolerations[].value"),
    *rule(
        f"{_PATH}.tolerations[]",
        TOLERATION,
        "takes a value with Equal alone",
        {"key": "dedicated", "operator": "Equal", "effect": "NoExecute", "value": "apono"},
        {"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "value": "apono"},
    ),
    at_most(f"{_PATH}.tolerations", 20, "tolerations", [_toleration(f"a{number}") for number in range(21)]),
    Row(
        "tolerations has one value for a key, an operator and an effect",
        f"{_PATH}.tolerations",
        "x-kubernetes-list-type",
        [_toleration("a"), _toleration("b"), {**_toleration("a"), "effect": "NoExecute"}],
        [_toleration("a"), {"effect": "NoSchedule", "operator": "Exists", "key": "a"}],
        "Duplicate value: ",
    ),
    *dns_subdomain(f"{_PATH}.priorityClassName"),
    *rule(
        f"{_PATH}.priorityClassName",
        PRIORITY,
        "leaves the cluster its own classes",
        "my-system-class",
        "system-node-critical",
        "system-cluster-critical",
        "system-a",
    ),
)

ROWS = (*_IMAGE_ROWS, *_CONTAINER_ROWS, *_POD_ROWS)
