"""What a connector is: its identity, its token, its target and its role."""

from __future__ import annotations

from tests.crd.manifests import ORGANIZATION, minimal
from tests.crd.row import Required, Row, at_most, bounded_text, choice, dns_subdomain, pattern, rule

_SPEC = minimal()["spec"]
_INSIDE = {**ORGANIZATION, "mode": "ManagementAccount"}
_ARN = "arn:aws:iam::123456789012:policy/"

CONNECTOR_ID_STAYS = "connectorId is immutable, also from unset to set: create another AponoConnector for another id"
MODE_STAYS = "target.mode is immutable: create another AponoConnector for another mode"
ORGANIZATION_NEEDED = (
    "target.mode Organization and ManagementAccount need both: organizationId, such as o-k012345a67, and "
    "organizationUnitId, the root (r-1a2b) or organizational unit (ou-1a2b-12345678) to manage"
)
NO_ORGANIZATION = "target.mode Account manages no organization: remove organizationId and organizationUnitId"
NO_MANAGEMENT_ACCOUNT = "target.managementAccountId is for target.mode Organization alone: remove it"
ORGANIZATION_STAYS = (
    "target.organizationId is immutable once it is set: create another AponoConnector for another organization"
)
MANAGEMENT_ACCOUNT_STAYS = (
    "target.managementAccountId is immutable once it is set: "
    "create another AponoConnector for another management account"
)
TAG_KEYS = "tag keys must have 1 to 128 of the characters A-Z a-z 0-9 space _ . : / = + - @"
RESERVED_TAGS = "tag keys of aws: and apono.io/ are reserved: choose another key"

REQUIRED = (
    Required("", "spec", _SPEC),
    Required("spec", "tokenSecretRef", {"name": "apono-token"}),
    Required("spec", "target", {"mode": "Account"}),
    Required("spec", "permissions", "FullAccess"),
    Required("spec.tokenSecretRef", "name", "apono-token"),
    Required("spec.target", "mode", "Account"),
)

ROWS: tuple[Row, ...] = (
    *bounded_text("spec.connectorId", 253, shortest=1),
    *pattern(
        "spec.connectorId", "has letters, digits, '.', '_' and '-' inside", "Prod-eks_1.b", "-a", "a-", "a b", "ä"
    ),
    *rule(
        "spec",
        CONNECTOR_ID_STAYS,
        "keeps its connectorId",
        {**_SPEC, "connectorId": "one", "permissions": "FullAccess"},
        {**_SPEC, "connectorId": "another"},
        before={**_SPEC, "connectorId": "one"},
    ),
    *rule(
        "spec",
        CONNECTOR_ID_STAYS,
        "cannot drop its connectorId",
        {**_SPEC, "connectorId": "one", "deletionPolicy": "Retain"},
        _SPEC,
        before={**_SPEC, "connectorId": "one"},
    ),
    *rule(
        "spec",
        CONNECTOR_ID_STAYS,
        "cannot get a connectorId later",
        {**_SPEC, "permissions": "FullAccess"},
        {**_SPEC, "connectorId": "one"},
        before=_SPEC,
    ),
    *dns_subdomain("spec.tokenSecretRef.name"),
    *bounded_text("spec.tokenSecretRef.key", 253, shortest=1),
    *pattern("spec.tokenSecretRef.key", "is the key of a Secret", "-._aZ9", "a b", "a/b", "a\n"),
    *choice("spec.target.mode", "Everything", "Account"),
    *rule(
        "spec.target",
        MODE_STAYS,
        "keeps its mode",
        {"mode": "Account", "accountId": "123456789012"},
        ORGANIZATION,
        _INSIDE,
        before={"mode": "Account"},
    ),
    *rule(
        "spec.target",
        ORGANIZATION_NEEDED,
        "names organization and unit in mode Organization",
        ORGANIZATION,
        {"mode": "Organization"},
        {"mode": "Organization", "organizationId": "o-k012345a67"},
        {"mode": "Organization", "organizationUnitId": "r-1a2b"},
    ),
    *rule(
        "spec.target",
        ORGANIZATION_NEEDED,
        "names organization and unit in mode ManagementAccount",
        _INSIDE,
        {"mode": "ManagementAccount"},
        {"mode": "ManagementAccount", "organizationId": "o-k012345a67"},
        {"mode": "ManagementAccount", "organizationUnitId": "r-1a2b"},
    ),
    *rule(
        "spec.target",
        NO_ORGANIZATION,
        "names no organization and no unit in mode Account",
        {"mode": "Account"},
        {**ORGANIZATION, "mode": "Account"},
        {"mode": "Account", "organizationId": "o-k012345a67"},
        {"mode": "Account", "organizationUnitId": "r-1a2b"},
    ),
    *rule(
        "spec.target",
        NO_MANAGEMENT_ACCOUNT,
        "names a management account in mode Organization alone",
        {**ORGANIZATION, "managementAccountId": "999988887777"},
        {"mode": "Account", "managementAccountId": "999988887777"},
        {**_INSIDE, "managementAccountId": "999988887777"},
    ),
    *rule(
        "spec.target",
        ORGANIZATION_STAYS,
        "keeps its organization, and may have another unit",
        {**ORGANIZATION, "organizationUnitId": "ou-1a2b-12345678"},
        {**ORGANIZATION, "organizationId": "o-another000"},
        {"mode": "Organization", "organizationUnitId": "r-1a2b"},
        before=ORGANIZATION,
    ),
    *rule(
        "spec.target",
        MANAGEMENT_ACCOUNT_STAYS,
        "keeps its management account",
        {**ORGANIZATION, "managementAccountId": "999988887777", "accountId": "123456789012"},
        {**ORGANIZATION, "managementAccountId": "111122223333"},
        ORGANIZATION,
        before={**ORGANIZATION, "managementAccountId": "999988887777"},
    ),
    *bounded_text("spec.target.organizationId", 34, admitted=f"o-{'a' * 32}"),
    *pattern(
        "spec.target.organizationId",
        "is an organization's id",
        "o-0123456789",
        "o-012345678",
        "O-0123456789",
        "o-012345678A",
        "r-1a2b",
        "0123456789",
        "o-0123456789\n",
        "",
    ),
    *bounded_text("spec.target.organizationUnitId", 68, admitted=f"ou-{'a' * 32}-{'b' * 32}"),
    *pattern(
        "spec.target.organizationUnitId", "is a root's id", "r-1a2b", "r-1a2", f"r-{'a' * 33}", "r-1A2B", "R-1a2b", ""
    ),
    *pattern(
        "spec.target.organizationUnitId",
        "is an organizational unit's id",
        "ou-1a2b-12345678",
        "ou-1a2b",
        "ou-1a2b-1234567",
        "ou-1a2-12345678",
        "ou-1a2b-12345678\n",
        "xr-1a2b",
        "o-k012345a67",
    ),
    *bounded_text("spec.target.managementAccountId", 12, shortest=12, letter="0"),
    *pattern("spec.target.managementAccountId", "has digits only", "012345678901", "12345678901a", "1234-567-890"),
    *bounded_text("spec.target.accountId", 12, shortest=12, letter="0"),
    *pattern("spec.target.accountId", "has digits only", "012345678901", "12345678901a", "1234-567-890"),
    *choice("spec.permissions", "Full-Access", "FullAccess", "ReadOnly"),
    *choice("spec.deletionPolicy", "Orphan", "Delete", "Retain"),
    *choice("spec.driftPolicy", "Ignore", "Correct", "Report"),
    *pattern(
        "spec.role.managedPolicyArns[]",
        "is the ARN of an IAM policy in any partition",
        "arn:aws-us-gov:iam::aws:policy/job-function/ViewOnlyAccess",
        "arn:aws:iam::123456789012:role/administrator",
        "arn:aws:iam::12345:policy/too-short-an-account",
        "arn:aws:s3:::a-bucket-of-some-length",
        f"{_ARN}*",
    ),
    Row(
        "spec.role.managedPolicyArns[] has at least 20 characters",
        "spec.role.managedPolicyArns[]",
        "minLength",
        "arn:aws:iam::aws:policy/a",
        "arn:aws:iam::aws:p",
        "should be at least 20 chars long",
    ),
    Row(
        "spec.role.managedPolicyArns[] has at most 2048 characters",
        "spec.role.managedPolicyArns[]",
        "maxLength",
        _ARN.ljust(2048, "a"),
        _ARN.ljust(2049, "a"),
        "may not be more than 2048 ",
    ),
    at_most("spec.role.managedPolicyArns", 7, "policies", [f"{_ARN}{number}" for number in range(8)]),
    Row(
        "spec.role.managedPolicyArns names a policy once",
        "spec.role.managedPolicyArns",
        "x-kubernetes-list-type",
        [f"{_ARN}a", f"{_ARN}b"],
        [f"{_ARN}a", f"{_ARN}a"],
        "Duplicate value: ",
    ),
    at_most("spec.role.tags", 20, "tags", {f"key-{number}": "" for number in range(21)}),
    *bounded_text("spec.role.tags{}", 256),
    *pattern("spec.role.tags{}", "has the characters of an AWS tag", "a B9_.:/=+@-", "a;b", "ä", "a\n"),
    *rule(
        "spec.role.tags",
        TAG_KEYS,
        "has keys of the characters of AWS tags",
        {"a B9_.:/=+@-": "", "a" * 128: ""},
        {"": "a"},
        {"a" * 129: "a"},
        {"a;b": "a"},
        {"ä": "a"},
        {"a\n": "a"},
    ),
    *rule(
        "spec.role.tags",
        RESERVED_TAGS,
        "leaves AWS and the operator their keys",
        {"aws": "a", "apono.io": "a", "my-aws:a": "a"},
        {"aws:cloudformation:stack-name": "a"},
        {"AWS:a": "a"},
        {"apono.io/uid": "a"},
        {"Apono.IO/uid": "a"},
    ),
)
