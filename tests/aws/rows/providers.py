"""OpenID Connect providers."""

from __future__ import annotations

from tests.aws.conformance import Gives, Refused, Row, Subject

MODEL = "IAM service model"
REFERENCE = "IAM API reference"
THUMBPRINT = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]


def provider_arn(subject: Subject) -> str:
    return subject.arn(f"oidc-provider/{subject.provider_host}")


ROWS = (
    Row(
        "a provider's ARN is made of its URL without the scheme",
        lambda s: s.provider("/id/A", ThumbprintList=THUMBPRINT),
        Gives(
            lambda s: s.arn(f"oidc-provider/{s.provider_host}/id/A"),
            lambda _, answer: answer["OpenIDConnectProviderArn"],
        ),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
    ),
    Row(
        "a provider reads its URL without the scheme and its audiences",
        lambda s: s.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s)),
        Gives(
            lambda s: (s.provider_host, ["sts.amazonaws.com"]),
            lambda _, answer: (answer["Url"], answer["ClientIDList"]),
        ),
        f"{REFERENCE}: GetOpenIDConnectProvider",
        given=lambda s: s.provider(ClientIDList=["sts.amazonaws.com"], ThumbprintList=THUMBPRINT),
    ),
    Row(
        "a second provider of the same URL is refused",
        lambda s: s.provider(ThumbprintList=THUMBPRINT),
        Refused("EntityAlreadyExists"),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
        given=lambda s: s.provider(ThumbprintList=THUMBPRINT),
    ),
    Row(
        "a provider without https is refused",
        lambda s: s.iam.create_open_id_connect_provider(Url=f"http://{s.provider_host}", ThumbprintList=THUMBPRINT),
        Refused("ValidationError"),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
    ),
    Row(
        "a provider URL of 256 characters is refused",
        lambda s: s.provider("/".ljust(256, "x"), ThumbprintList=THUMBPRINT),
        Refused("ValidationError", "url"),
        f"{MODEL}: OpenIDConnectProviderUrlType",
    ),
    Row(
        "a thumbprint of 39 characters is refused",
        lambda s: s.provider(ThumbprintList=["a" * 39]),
        Refused("ValidationError", "thumbprintList.1.member"),
        f"{MODEL}: thumbprintType",
    ),
    Row(
        "a provider that does not exist is not found",
        lambda s: s.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s)),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: GetOpenIDConnectProvider",
    ),
    Row(
        "deleting a provider that does not exist is no error",
        lambda s: s.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s)),
        Gives(),
        f"{REFERENCE}: DeleteOpenIDConnectProvider",
    ),
    Row(
        "adding an audience twice is no error",
        lambda s: s.iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=provider_arn(s), ClientID="one"
        ),
        Gives(
            ["one"],
            lambda s, _: s.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s))["ClientIDList"],
        ),
        f"{REFERENCE}: AddClientIDToOpenIDConnectProvider",
        given=lambda s: s.provider(ClientIDList=["one"], ThumbprintList=THUMBPRINT),
    ),
    Row(
        "an audience is added and another removed",
        lambda s: (
            s.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s), ClientID="two"),
            s.iam.remove_client_id_from_open_id_connect_provider(
                OpenIDConnectProviderArn=provider_arn(s), ClientID="one"
            ),
        ),
        Gives(
            ["two"],
            lambda s, _: s.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(s))["ClientIDList"],
        ),
        f"{REFERENCE}: AddClientIDToOpenIDConnectProvider",
        given=lambda s: s.provider(ClientIDList=["one"], ThumbprintList=THUMBPRINT),
    ),
    Row(
        "a provider of 101 audiences is refused",
        lambda s: s.provider(ClientIDList=[f"id-{n}" for n in range(101)], ThumbprintList=THUMBPRINT),
        Refused("LimitExceeded"),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
    ),
    Row(
        "a 101st audience is refused",
        lambda s: s.iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=provider_arn(s), ClientID="more"
        ),
        Refused("LimitExceeded"),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
        given=lambda s: s.provider(ClientIDList=[f"id-{n}" for n in range(100)], ThumbprintList=THUMBPRINT),
    ),
    Row(
        "a provider of six thumbprints is refused",
        lambda s: s.provider(ThumbprintList=[f"{n:040x}" for n in range(6)]),
        Refused("InvalidInput"),
        f"{REFERENCE}: CreateOpenIDConnectProvider",
    ),
    Row(
        "removing an audience that is not there is no error",
        lambda s: s.iam.remove_client_id_from_open_id_connect_provider(
            OpenIDConnectProviderArn=provider_arn(s), ClientID="two"
        ),
        Gives(),
        f"{REFERENCE}: RemoveClientIDFromOpenIDConnectProvider",
        given=lambda s: s.provider(ClientIDList=["one"], ThumbprintList=THUMBPRINT),
    ),
)
