"""Whatever the API server lets through as names, and the policy documents that IAM may hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from apono_operator.state.resources import Owner
from tests.builders import UID

Json = dict[str, Any]

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

NAMESPACES = st.from_regex(rf"\A{_LABEL}\Z")
CONNECTOR_NAMES = st.one_of(
    st.from_regex(rf"\A{_LABEL}(\.{_LABEL}){{0,3}}\Z"),
    # From a small alphabet: names that share their beginning, and ends in dots and dashes after any cut.
    st.text("a.-", min_size=1, max_size=251).map(lambda inner: f"a{inner.replace('.-', '.a').replace('-.', 'a.')}a"),
    st.integers(1, 253).map(lambda length: "a" * length),
).map(lambda name: _without_double_dots(name)[:253].rstrip(".-"))
OWNERS = st.builds(Owner, namespace=NAMESPACES, name=CONNECTOR_NAMES, uid=st.just(UID))

_ACTIONS = ("s3:GetObject", "s3:PutObject", "iam:PassRole", "sts:AssumeRole", "ec2:Describe*")
_ACCOUNTS = ("123456789012", "999988887777")
_VALUES = ("true", "eu-west-1", "o-k012345a67")
_CONDITION_KEYS = ("aws:PrincipalOrgID", "aws:RequestedRegion", "aws:ResourceTag/apono-connector-read")


def _without_double_dots(name: str) -> str:
    while ".." in name:
        name = name.replace("..", ".")
    return name


def _some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


_CONDITIONS = st.dictionaries(
    st.sampled_from(("StringEquals", "StringLike")),
    st.dictionaries(st.sampled_from(_CONDITION_KEYS), _some(_VALUES), min_size=1),
    min_size=1,
)
_PRINCIPALS = st.fixed_dictionaries(
    {}, optional={"AWS": _some(_ACCOUNTS), "Service": _some(("ec2.amazonaws.com", "ecs-tasks.amazonaws.com"))}
).filter(bool)


@st.composite
def documents(draw: st.DrawFn) -> Json:
    """Policy documents, everything in its longest spelling; no two statements have the same resources."""
    statements = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "Effect": st.sampled_from(("Allow", "Deny")),
                    "Action": _some(_ACTIONS),
                    "Resource": _some(("arn:aws:s3:::reports/*", "arn:aws:s3:::logs/*")),
                },
                optional={"Condition": _CONDITIONS, "Principal": _PRINCIPALS},
            ),
            min_size=1,
            max_size=4,
        )
    )
    numbered = [
        _with_resource(statement, f"arn:aws:s3:::bucket-{index}/*") for index, statement in enumerate(statements)
    ]
    return {"Version": "2012-10-17", "Statement": numbered}


def _with_resource(statement: Json, arn: str) -> Json:
    return {**statement, "Resource": [*statement["Resource"], arn]}


@st.composite
def respelled(draw: st.DrawFn, document: Json) -> Json:
    """The same *document* in other words of the policy language."""
    statements = [_respelled_statement(draw, statement) for statement in document["Statement"]]
    shuffled = draw(st.permutations(statements))
    return {**document, "Statement": _respelled_list(draw, list(shuffled))}


def _respelled_statement(draw: st.DrawFn, statement: Json) -> Json:
    other = {**statement}
    for element in {"Action", "NotAction"} & other.keys():
        other[element] = _respelled_list(draw, [_respelled_case(draw, one) for one in _listed(other[element])])
    for element in {"Resource", "NotResource"} & other.keys():
        other[element] = _respelled_list(draw, _listed(other[element]))
    if draw(st.booleans()):
        other["Sid"] = draw(st.sampled_from(("One", "Two")))
    if "Principal" in statement:
        other["Principal"] = {
            kind: _respelled_list(draw, [_respelled_principal(draw, name) for name in _listed(names)])
            for kind, names in statement["Principal"].items()
        }
    if "Condition" in statement:
        other["Condition"] = {
            operator: {
                _respelled_case(draw, key): _respelled_list(draw, _listed(values)) for key, values in keys.items()
            }
            for operator, keys in statement["Condition"].items()
        }
    return dict(draw(st.permutations(list(other.items()))))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _respelled_list(draw: st.DrawFn, items: list[Any]) -> Any:
    if len(items) == 1 and draw(st.booleans()):
        return items[0]
    again = [items[0]] if draw(st.booleans()) else []
    return [*draw(st.permutations(items)), *again]


def _respelled_case(draw: st.DrawFn, text: str) -> str:
    return draw(st.sampled_from((text, text.lower(), text.upper())))


def _respelled_principal(draw: st.DrawFn, name: str) -> str:
    return draw(st.sampled_from((name, f"arn:aws:iam::{name}:root"))) if name in _ACCOUNTS else name
