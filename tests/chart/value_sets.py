"""Sets of values that between them make every object, and take every branch, of the charts."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

ARN = "arn:aws:iam::123456789012:"
BOUNDARIES: Values = {"permissionsBoundaries": {"ReadOnly": f"{ARN}policy/connector-boundary"}}
PROXY = "http://proxy.example.com:3128"

OPERATOR: dict[str, Values] = {
    "defaults": BOUNDARIES,
    "named-namespaces": {
        **BOUNDARIES,
        "watchNamespaces": ["team-a", "team-b"],
        "grants": [{"namespaces": ["team-*"], "permissions": ["ReadOnly"]}],
        "grantedNamespaces": ["team-a", "team-b"],
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": f"{ARN}role/connector-operator"}},
    },
    "air-gapped": {
        **BOUNDARIES,
        "image": {"repository": "mirror.example.com/apono-operator", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "mirror"}],
        "connectorImage": f"mirror.example.com/apono-connector@sha256:{'1' * 64}",
        "connectorImagePullSecrets": ["mirror"],
        "proxy": {"httpProxy": PROXY, "httpsProxy": PROXY, "noProxy": [".vpce.amazonaws.com"]},
        "privateCa": {"configMap": "corporate-ca"},
        "networkPolicy": {"enabled": True},
    },
    "hardened": {
        **BOUNDARIES,
        "podDisruptionBudget": {"minAvailable": 1},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
        ],
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "apono-operator"}},
                    }
                ]
            }
        },
        "podLabels": {"team": "platform"},
        "podAnnotations": {"note": "operator"},
        "podSecurityContext": {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
        "networkPolicy": {
            "enabled": True,
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]}],
            "extraEgress": [{"ports": [{"protocol": "TCP", "port": 4317}]}],
        },
    },
    "open-handed": {
        "allowUnboundedRoles": True,
        "rbac": {"aggregateToEdit": True, "aggregateToAdmin": True},
        "crds": {"keep": False},
        "podDisruptionBudget": {"enabled": False},
        "topologySpreadConstraints": [],
        "serviceAccount": {"create": False, "name": "given"},
        "fullnameOverride": "operator",
    },
    "alone": {
        **BOUNDARIES,
        "leaderElection": False,
        "replicas": 1,
        "httpPort": 0,
        "uninstall": {"leaveConnectors": True},
    },
    "organization": {
        **BOUNDARIES,
        "crds": {"install": False},
        "managementAccounts": [
            {
                "accountId": "999988887777",
                "roleArn": "arn:aws:iam::999988887777:role/connector-operator-management",
                "externalId": "0123456789abcdef",
                "cloudFormationRoleArn": "arn:aws:iam::999988887777:role/connector-operator-cloudformation",
                "region": "eu-west-1",
                "templateFile": "/etc/apono/template.yaml",
                "permissionsBoundaries": {"ReadOnly": "arn:aws:iam::999988887777:policy/connector-boundary"},
                "allowedUnits": ["r-1a2b"],
                "namespaces": ["apono"],
            }
        ],
        "extraVolumes": [{"name": "template", "configMap": {"name": "management-account-template"}}],
        "extraVolumeMounts": [{"name": "template", "mountPath": "/etc/apono", "readOnly": True}],
        "extraEnv": [{"name": "AWS_REGION", "value": "eu-west-1"}],
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes", "namespace": "apono"}, "data": {}}
        ],
    },
}

_TOKEN: Values = {"tokenSecretRef": {"name": "apono-token"}}

CONNECTORS: dict[str, Values] = {
    "none": {},
    "two": {
        "labels": {"owner": "platform"},
        "annotations": {"note": "by Helm"},
        "connectors": [
            {"name": "reader", "spec": {**_TOKEN, "target": {"mode": "Account"}, "permissions": "ReadOnly"}},
            {
                "name": "organization",
                "namespace": "team-a",
                "labels": {"team": "a"},
                "annotations": {"note": "its own"},
                "spec": {
                    **_TOKEN,
                    "connectorId": "prod-org",
                    "target": {
                        "mode": "Organization",
                        "organizationId": "o-k012345a67",
                        "organizationUnitId": "r-1a2b",
                        "managementAccountId": "999988887777",
                    },
                    "permissions": "FullAccess",
                    "deployment": {
                        "replicas": 2,
                        "resources": {"requests": {"cpu": "500m", "memory": "1G"}},
                        "env": [{"name": "LOG_LEVEL", "value": "debug"}],
                        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
                    },
                    "deletionPolicy": "Retain",
                },
            },
        ],
    },
}
