from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from apono_operator.state.administration import Administration, Grant, qualified, registry_of
from tests.builders import an_administration

REGISTRIES = {
    "registry.apono.io/apono-connector:v1.7.8": "registry.apono.io",
    "registry.apono.io:8443/apono-connector": "registry.apono.io:8443",
    "localhost/connector": "localhost",
    "localhost:5000/connector": "localhost:5000",
    "mirror:5000/connector": "mirror:5000",
    "acme/connector": "docker.io",
    "connector:1": "docker.io",
    "docker.io/acme/connector": "docker.io",
    "registry.apono.io": "docker.io",
}


@pytest.mark.parametrize(("image", "registry"), REGISTRIES.items(), ids=REGISTRIES)
def test_an_image_names_its_registry_or_lies_in_docker_hub(image: str, registry: str) -> None:
    assert registry_of(image) == registry
    assert registry_of(qualified(image)) == registry
    assert qualified(qualified(image)) == qualified(image)


COVERED = {
    "below the registry": ("registry.apono.io", "registry.apono.io/apono-connector:v1.7.8"),
    "deep below the registry": ("registry.apono.io", "registry.apono.io/a/b/c"),
    "a registry with a slash at its end": ("registry.apono.io/", "registry.apono.io/apono-connector"),
    "a registry with a port": ("mirror:5000", "mirror:5000/apono-connector"),
    "the repository itself": ("registry.apono.io/apono-connector", "registry.apono.io/apono-connector"),
    "a tag of the repository": ("registry.apono.io/apono-connector", "registry.apono.io/apono-connector:v1"),
    "a digest of the repository": ("registry.apono.io/apono-connector", "registry.apono.io/apono-connector@sha256:0"),
    "below the repository": ("quay.io/acme", "quay.io/acme/connector"),
    "Docker Hub, not written out": ("docker.io", "acme/connector"),
    "Docker Hub, written out": ("docker.io", "docker.io/acme/connector"),
    "a repository of Docker Hub": ("docker.io/acme", "acme/connector:1"),
    "one of several": ("registry.apono.io", "quay.io/acme/connector"),
}


@pytest.mark.parametrize(("place", "image"), COVERED.values(), ids=COVERED)
def test_an_image_in_a_granted_place_is_covered(place: str, image: str) -> None:
    grant = Grant(namespaces=("apono",), image_registries=("example.com", place, "quay.io/acme"))

    assert grant.covers_image(image)


NOT_COVERED = {
    "a host that begins like it": ("registry.apono.io", "registry.apono.io.evil.com/apono-connector"),
    "another port of the host": ("registry.apono.io", "registry.apono.io:8443/apono-connector"),
    "the host without its port": ("mirror:5000", "mirror/apono-connector"),
    "another port that begins like it": ("mirror:500", "mirror:5000/apono-connector"),
    "a subdomain": ("apono.io", "registry.apono.io/apono-connector"),
    "the host as a path": ("registry.apono.io", "evil.com/registry.apono.io/apono-connector"),
    "the host as a repository of Docker Hub": ("registry.apono.io", "registry.apono.io"),
    "the host as a tag": ("registry.apono.io", "evil.com/x:registry.apono.io"),
    "a repository that begins like it": ("quay.io/acme", "quay.io/acme-evil/connector"),
    "a repository above": ("quay.io/acme/connector", "quay.io/acme"),
    "another case": ("registry.apono.io", "Registry.apono.io/apono-connector"),
    "nothing": ("", "evil.com/connector"),
    "a slash": ("/", "evil.com/connector"),
    "a scheme": ("https://evil.com", "evil.com/connector"),
}


@pytest.mark.parametrize(("place", "image"), NOT_COVERED.values(), ids=NOT_COVERED)
def test_an_image_that_only_looks_granted_is_not_covered(place: str, image: str) -> None:
    assert not Grant(namespaces=("apono",), image_registries=(place,)).covers_image(image)


@given(st.from_regex(r"\A[a-z0-9.:/-]{1,20}\Z"), st.from_regex(r"\A[a-z0-9:.-]{1,8}\Z"))
def test_nothing_between_host_and_slash_leads_out_of_the_registry(path: str, glued: str) -> None:
    grant = Grant(namespaces=("apono",))

    assert not grant.covers_image(f"registry.apono.io{glued}/{path}")
    assert not grant.covers_image(f"{glued}registry.apono.io/{path}")


NAMESPACES = [
    ("apono", "apono", True),
    ("team-*", "team-a", True),
    ("*", "anything", True),
    ("team-?", "team-a", True),
    ("apono", "apono-2", False),
    ("team-*", "my-team-a", False),
    ("Apono", "apono", False),
]


@pytest.mark.parametrize(("pattern", "namespace", "covered"), NAMESPACES)
def test_a_grant_covers_namespaces_by_name_or_pattern(pattern: str, namespace: str, *, covered: bool) -> None:
    assert Grant(namespaces=("other", pattern)).covers_namespace(namespace) is covered


def test_a_grant_gives_everything_from_aponos_registry_if_it_says_no_more() -> None:
    grant = Grant.model_validate({"namespaces": ["apono"]})

    assert len(grant.modes) == 3
    assert len(grant.permissions) == 2
    assert grant.image_registries == ("registry.apono.io",)


def test_a_grant_is_written_with_the_names_of_manifests() -> None:
    grant = Grant.model_validate({"namespaces": ["a"], "imageRegistries": ["quay.io"], "modes": ["Account"]})

    assert grant.image_registries == ("quay.io",)


INVALID_GRANTS = {
    "without namespaces": {},
    "for no namespace": {"namespaces": []},
    "with a field nobody knows": {"namespaces": ["a"], "registries": ["quay.io"]},
    "with a mode nobody knows": {"namespaces": ["a"], "modes": ["Everything"]},
}


@pytest.mark.parametrize("grant", INVALID_GRANTS.values(), ids=INVALID_GRANTS)
def test_a_grant_that_is_not_clear_is_refused(grant: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(grant)


@pytest.mark.parametrize("seconds", [3599, 43201])
def test_a_session_shorter_or_longer_than_iam_takes_is_refused(seconds: int) -> None:
    with pytest.raises(ValidationError):
        Administration(grants=(), max_session_duration=seconds)


MANAGED = [
    ("arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/SecurityAudit", True),
    ("arn:aws:iam::123456789012:policy/team/*", "arn:aws:iam::123456789012:policy/team/a/b", True),
    ("arn:aws:iam::123456789012:policy/team/*", "arn:aws:iam::999988887777:policy/team/a", False),
    ("arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/SecurityAudit2", False),
    ("arn:aws:iam::aws:policy/securityaudit", "arn:aws:iam::aws:policy/SecurityAudit", False),
]


@pytest.mark.parametrize(("pattern", "arn", "allowed"), MANAGED)
def test_managed_policies_are_allowed_by_arn_or_pattern(pattern: str, arn: str, *, allowed: bool) -> None:
    administration = an_administration(allowed_managed_policy_arns=("arn:none", pattern))

    assert administration.allows_managed_policy(arn) is allowed


@pytest.mark.parametrize(("key", "allowed"), [("team", True), ("cost-centre", True), ("Team", False), ("owner", False)])
def test_tag_keys_are_allowed_by_key_or_pattern(key: str, *, allowed: bool) -> None:
    assert an_administration(allowed_role_tag_keys=("team", "cost-*")).allows_role_tag(key) is allowed


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("MY_PROXY", True), ("ACME_LEVEL", True), ("my_proxy", False), ("NOT_MY_PROXY", False), ("HTTPS_PROXY", False)],
)
def test_variables_are_allowed_by_name_or_pattern_in_place_of_the_default(name: str, *, allowed: bool) -> None:
    assert an_administration(allowed_env_names=("MY_PROXY", "ACME_*")).allows_env(name) is allowed


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("team", True), ("acme.example/a", True), ("acme.example", False), ("Team", False), ("teams", False)],
)
def test_labels_and_annotations_of_pods_are_allowed_each_by_a_list_of_keys_or_patterns(
    key: str, *, allowed: bool
) -> None:
    keys = ("team", "acme.example/*")
    labels, annotations = (
        an_administration(allowed_pod_label_keys=keys),
        an_administration(allowed_pod_annotation_keys=keys),
    )

    assert labels.allows_pod_label(key) is allowed
    assert annotations.allows_pod_annotation(key) is allowed
    assert not labels.allows_pod_annotation(key)
    assert not annotations.allows_pod_label(key)


PLAIN = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "LOG_LEVEL"]


@pytest.mark.parametrize("name", PLAIN)
def test_proxies_and_log_level_are_allowed_if_the_administrator_says_no_more(name: str) -> None:
    assert Administration(grants=()).allows_env(name)


@pytest.mark.parametrize("name", ["NODE_OPTIONS", "LD_PRELOAD", "NODE_TLS_REJECT_UNAUTHORIZED", "PATH", "ALL_PROXY"])
def test_no_other_variable_is_allowed_if_the_administrator_says_no_more(name: str) -> None:
    assert not Administration(grants=()).allows_env(name)


def test_nothing_is_allowed_that_the_administrator_did_not_name() -> None:
    bare = Administration(grants=())

    assert not bare.allows_managed_policy("arn:aws:iam::aws:policy/SecurityAudit")
    assert not bare.allows_role_tag("team")
    assert not bare.allows_pod_label("team")
    assert not bare.allows_pod_annotation("team")
    assert not bare.allow_unbounded_roles
    assert dict(bare.permissions_boundaries) == {}
