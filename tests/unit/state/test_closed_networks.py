"""What the administrator's proxy, certificate authority and mirror make of a connector's pods."""

from __future__ import annotations

from typing import Any

from apono_operator.state.administration import Administration
from apono_operator.state.desired import deployment, desired_state
from apono_operator.state.egress import CA_VARIABLES, PRIVATE_CA_DIRECTORY, PrivateCa, Proxy
from apono_operator.state.plan import plan_objects
from apono_operator.state.resources import Manifest, child_keys
from tests.builders import Json, a_spec, an_administration, an_owner, some_inputs
from tests.unit.state.api_server import returned

URL = "http://proxy.example:3128"
PROXIED = an_administration(proxy=Proxy(https_proxy=URL))
MIRRORED = an_administration(connector_image_pull_secrets=("mirror", "other"))


def pod_of(administration: Administration, **spec: Any) -> Json:
    manifest = deployment(some_inputs(administration=administration, spec=a_spec(**spec)))
    pod: Json = manifest["spec"]["template"]["spec"]
    return pod


def variables_of(pod: Json) -> dict[str, str]:
    (container,) = pod["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def names_of(pod: Json) -> list[str]:
    (container,) = pod["containers"]
    return [variable["name"] for variable in container["env"]]


def kinds_of(objects: Any) -> list[str]:
    return [key.kind for key in objects]


def stored(administration: Administration) -> dict[Any, Manifest]:
    desired = desired_state(some_inputs(administration=administration))
    return {key: returned(manifest) for key, manifest in desired.objects.items()}


def test_connectors_go_by_the_administrators_proxy() -> None:
    assert PROXIED.proxy.variables().items() <= variables_of(pod_of(PROXIED)).items()


def test_a_proxy_of_the_users_takes_precedence_in_whichever_case_it_is_written() -> None:
    pod = pod_of(PROXIED, deployment={"env": [{"name": "https_proxy", "value": "http://own:1"}]})

    assert variables_of(pod)["https_proxy"] == "http://own:1"
    assert "HTTPS_PROXY" not in names_of(pod)
    assert len(names_of(pod)) == len(set(names_of(pod)))


def test_connectors_trust_the_administrators_certificate_authority() -> None:
    pod = pod_of(an_administration(private_ca=PrivateCa(config_map="corporate")))

    assert pod["volumes"] == [{"name": "private-ca", "configMap": {"name": "corporate"}}]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "private-ca", "mountPath": PRIVATE_CA_DIRECTORY, "readOnly": True}]
    assert {name: variables_of(pod)[name] for name in CA_VARIABLES} == dict.fromkeys(
        CA_VARIABLES, "/etc/apono/private-ca/ca.crt"
    )


def test_pods_have_no_volumes_otherwise() -> None:
    pod = pod_of(an_administration())

    assert "volumes" not in pod
    assert "volumeMounts" not in pod["containers"][0]


def test_pull_secrets_of_the_administrator_take_the_place_of_the_derived_one() -> None:
    desired = desired_state(some_inputs(administration=MIRRORED))

    assert pod_of(MIRRORED)["imagePullSecrets"] == [{"name": "mirror"}, {"name": "other"}]
    assert kinds_of(desired.objects) == ["ServiceAccount", "Deployment"]


def test_pull_secrets_of_the_user_come_before_those_of_the_administrator() -> None:
    pod = pod_of(MIRRORED, deployment={"imagePullSecrets": [{"name": "own"}]})

    assert pod["imagePullSecrets"] == [{"name": "own"}]


def test_an_operator_that_may_not_write_secrets_leaves_the_one_it_once_made() -> None:
    before = stored(an_administration())
    desired = desired_state(some_inputs(administration=MIRRORED))

    changes = plan_objects(desired, before, an_owner(), writes_secrets=False)

    assert child_keys(an_owner())["Secret"] in before
    assert [change.manifest["kind"] for change in changes] == ["Deployment"]
