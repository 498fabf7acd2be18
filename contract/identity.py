#!/usr/bin/env python3
"""The identity contract: what Broadsheet expects of Amazon Cognito, asked of our local Cognito and of emulators that
others wrote.

Each case says what AWS documents, where, and asserts it through boto3. The cases know nothing of who answers. What an
emulator does otherwise is in KNOWN_DIFFERENCES, with the reason, and nowhere else. See docs/contract.md.

usage: contract/identity.py [--broadsheet PATH] [--target NAME]... [--case TEXT]
needs: pip install -r contract/requirements.txt, and cargo unless PATH is a built `broadsheet`
"""

import argparse
import base64
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

ROOT = Path(__file__).resolve().parent.parent
API = "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_"
GUIDE = "https://docs.aws.amazon.com/cognito/latest/developerguide/"
ERRORS = GUIDE + "cognito-user-pool-managing-errors.html"
ACCESS_TOKEN = GUIDE + "amazon-cognito-user-pools-using-the-access-token.html"
SECRET = "https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html"
ID_TOKEN = GUIDE + "amazon-cognito-user-pools-using-the-id-token.html"
VERIFYING = GUIDE + "amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html"
REFRESHING = GUIDE + "amazon-cognito-user-pools-using-the-refresh-token.html"

# Eight letters: the shortest that the pool takes, and nothing that a rule of composition would ask for.
PASSWORD = "goodpass"
OTHER_PASSWORD = "otherone"

# The whole run, without a build. An emulator that hangs is a failure and not a gate that never ends.
MOST_SECONDS = 110


# ---------------------------------------------------------------------------------------------------- the differences


@dataclass(frozen=True)
class Difference:
    """A case that a target is known to fail."""

    case: str
    # Part of the failure: a case that fails in a new way is not known.
    seen: str
    why: str


def because(why: str, cases: dict[str, str]) -> list[Difference]:
    return [Difference(case, seen, why) for case, seen in cases.items()]


KNOWN_DIFFERENCES: dict[str, list[Difference]] = {
    # Ours has none: what it does otherwise than AWS documents is a fault, and gets mended.
    "broadsheet": [],
    "moto": [
        *because(
            "usernames are told apart by case",
            {
                "sign up: the name is taken in other letters": "accepted",
                "log in: the name in other letters": "UserNotFoundException",
            },
        ),
        *because(
            "what is signed up with is hardly looked at",
            {
                "sign up: password of 257 characters": "InvalidPasswordException instead",
                "sign up: no e-mail": "accepted",
                "sign up: not an e-mail": "500 instead",
                "sign up: the user says that the address is verified": "accepted",
                "sign up: an attribute that the client may not write": "accepted",
                "sign up: a blank in the name": "accepted",
            },
        ),
        *because(
            "any code is taken, unless it begins as moto's own do",
            {
                "confirm: wrong code": "accepted",
                "confirm: twice": "accepted",
                "reset: wrong code": "accepted",
                "reset: right code after a wrong one": "accepted",
                "reset: no code was asked for": "accepted",
            },
        ),
        *because("confirming does not verify the address", {"confirm: verifies the address": "email_verified is None"}),
        *because(
            "PreventUserExistenceErrors is ignored",
            {
                "confirm: unknown user": "UserNotFoundException instead",
                "log in: unknown user": "UserNotFoundException instead",
                "log in: disabled, wrong password": "'User is disabled.'",
                "reset: unknown user": "ResourceNotFoundException instead",
                "delete: log in": "UserNotFoundException instead",
            },
        ),
        *because(
            "there is no ResendConfirmationCode",
            {
                "resend": "ResendConfirmationCode: 500",
                "resend: unknown user": "ResendConfirmationCode: 500",
                "unknown client: ResendConfirmationCode": "500 instead",
                "secret: ResendConfirmationCode without it, or with a wrong one": "500 instead",
            },
        ),
        *because(
            "the client's secret is looked at only to log in",
            {
                "secret: SignUp without it, or with a wrong one": "accepted",
                "secret: ConfirmSignUp without it, or with a wrong one": "accepted",
                "secret: ForgotPassword without it, or with a wrong one": "accepted",
                "secret: ConfirmForgotPassword without it, or with a wrong one": "accepted",
            },
        ),
        *because(
            "there is no self-service by these",
            {
                "self-service: DeleteUser with an ID token": "500 instead",
                "self-service: VerifyUserAttribute with an ID token": "500 instead",
            },
        ),
        *because(
            "there is no RevokeToken",
            {"refresh: after it was revoked": "RevokeToken: 500", "revoke: an access token": "500 instead"},
        ),
        *because(
            "ExplicitAuthFlows is ignored",
            {
                "log in: by who does not administer the pool": "accepted",
                "log in: a flow that the client does not allow": "accepted",
            },
        ),
        *because(
            "an administrator's call lets unconfirmed users in, and the text for a wrong password is the name",
            {"log in: unconfirmed": "accepted", "log in: unconfirmed, wrong password": "the text is"},
        ),
        *because(
            "whoever has an account gets a code",
            {"forgot: disabled": "a code was sent", "forgot: the address is not verified": "a code was sent"},
        ),
        *because("a reset does not look at the policy", {"reset: password of 7 characters": "accepted"}),
        *because(
            "disabling leaves the refresh tokens alone",
            {"disable: sessions end": "accepted", "enable: what was revoked stays so": "accepted"},
        ),
        *because("refreshing for a deleted user breaks it", {"delete: sessions end": "500 instead"}),
        *because("confirming again is no error", {"administrator confirms: twice": "accepted"}),
        *because(
            "ID tokens say as text whether the address is verified",
            {"ID token": "email_verified is 'true'"},
        ),
        *because(
            "attributes are written as they come",
            {
                "update attributes: a blank value": "still there",
                "update attributes: sub": "accepted",
                "update attributes: unknown attribute": "accepted",
            },
        ),
        *because("refreshing sets auth_time anew", {"token: of a refreshed session": "auth_time is"}),
        *because("there is one key", {"token: two keys": "one key"}),
    ],
    "ministack": [
        *because(
            "usernames are told apart by case",
            {
                "sign up: the name is taken in other letters": "accepted",
                "log in: the name in other letters": "NotAuthorizedException",
            },
        ),
        *because("the answer has the whole address", {"sign up: the destination is masked": "the whole address"}),
        *because(
            "what is signed up with is hardly looked at",
            {
                "sign up: password of 257 characters": "accepted",
                "sign up: no e-mail": "accepted",
                "sign up: not an e-mail": "accepted",
                "sign up: the user says that the address is verified": "accepted",
                "sign up: an attribute that the client may not write": "accepted",
                "sign up: a blank in the name": "accepted",
            },
        ),
        *because("confirming does not verify the address", {"confirm: verifies the address": "email_verified is None"}),
        *because(
            "the user's state is looked at before the password",
            {
                "log in: unconfirmed, wrong password": "UserNotConfirmedException instead",
                "log in: disabled, wrong password": "'User is disabled.'",
            },
        ),
        *because("any token is taken for a refresh token", {"revoke: an access token": "accepted"}),
        *because(
            "whoever has an account gets a code",
            {"forgot: disabled": "a code was sent", "forgot: the address is not verified": "a code was sent"},
        ),
        *because("confirming again is no error", {"administrator confirms: twice": "accepted"}),
        *because(
            "attributes are written as they come",
            {
                "update attributes: a blank value": "still there",
                "update attributes: sub": "accepted",
                "update attributes: unknown attribute": "accepted",
            },
        ),
        *because(
            "there is no VerifyUserAttribute",
            {"self-service: VerifyUserAttribute with an ID token": "InvalidAction instead"},
        ),
        *because("ID tokens have every attribute, whatever the client may read", {"ID token": "email is"}),
        *because("refreshing sets auth_time anew", {"token: of a refreshed session": "auth_time is"}),
    ],
}


# ---------------------------------------------------------------------------------------------------- what cases use


class Mismatch(Exception):
    """Something is not as AWS documents it."""


@dataclass
class Target:
    """One user pool, and how to reach what is around it."""

    name: str
    url: str
    client: Any
    pool_id: str
    client_id: str
    client_secret: str
    issuer: str
    # The newest code that was sent to an address, if any; moto hands the code out in the answer instead.
    read_code: Callable[[str, dict], str | None]

    # -- users

    def new_name(self) -> str:
        return str(uuid.uuid4())

    def __post_init__(self) -> None:
        """Adds what shows that the caller knows the client's secret, wherever a case does not say what to send."""
        self.users_of_tokens: dict[str, str] = {}
        self.client.meta.events.register("provide-client-params.cognito-idp", self.prove)

    def hash(self, name: str) -> str:
        message = (name + self.client_id).encode()
        return base64.b64encode(hmac.digest(self.client_secret.encode(), message, "sha256")).decode()

    def prove(self, params: dict, model: Any, **_: Any) -> dict:
        members, parameters = model.input_shape.members, params.get("AuthParameters", {})
        if params.get("SecretHash") == "":
            return {name: value for name, value in params.items() if name != "SecretHash"}
        if "SecretHash" in members and isinstance(params.get("Username"), str):
            return {"SecretHash": self.hash(params["Username"]), **params}
        if "ClientSecret" in members:
            return {"ClientSecret": self.client_secret, **params}
        if parameters:
            name = parameters.get("USERNAME") or self.users_of_tokens.get(parameters.get("REFRESH_TOKEN"), "nobody")
            return {**params, "AuthParameters": {"SECRET_HASH": self.hash(name), **parameters}}
        return params

    def sign_up(self, name: str, password: str = PASSWORD, **members: Any) -> dict:
        attributes = [{"Name": "email", "Value": address(name)}]
        members = {"UserAttributes": attributes, **members}
        return self.client.sign_up(ClientId=self.client_id, Username=name, Password=password, **members)

    def unconfirmed(self) -> str:
        name = self.new_name()
        self.sign_up(name)
        return name

    def user(self) -> str:
        """Someone who can log in, with a verified address; made without a code, for codes are cases of their own."""
        name = self.unconfirmed()
        self.admin("admin_confirm_sign_up", name)
        self.update(name, email_verified="true")
        return name

    def log_in(self, name: str, password: str = PASSWORD) -> dict:
        parameters = {"USERNAME": name, "PASSWORD": password}
        answer = self.client.admin_initiate_auth(
            UserPoolId=self.pool_id,
            ClientId=self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters=parameters,
        )
        tokens = answer["AuthenticationResult"]
        self.users_of_tokens[tokens["RefreshToken"]] = claims(tokens["IdToken"])["cognito:username"]
        return tokens

    def refresh(self, token: str) -> dict:
        answer = self.client.initiate_auth(
            ClientId=self.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
        )
        return answer["AuthenticationResult"]

    def confirm(self, name: str, code: str) -> dict:
        return self.client.confirm_sign_up(ClientId=self.client_id, Username=name, ConfirmationCode=code)

    def resend(self, name: str) -> dict:
        return self.client.resend_confirmation_code(ClientId=self.client_id, Username=name)

    def forgot(self, name: str) -> dict:
        return self.client.forgot_password(ClientId=self.client_id, Username=name)

    def reset(self, name: str, code: str, password: str = OTHER_PASSWORD) -> dict:
        return self.client.confirm_forgot_password(
            ClientId=self.client_id, Username=name, ConfirmationCode=code, Password=password
        )

    def code(self, name: str, answer: dict) -> str:
        code = self.read_code(address(name), answer)
        check(code is not None, "no code was sent")
        return code

    def sent_nothing(self, name: str, answer: dict) -> None:
        check(self.read_code(address(name), answer) is None, "a code was sent")

    # -- administration

    def admin(self, operation: str, name: str, **members: Any) -> dict:
        return getattr(self.client, operation)(UserPoolId=self.pool_id, Username=name, **members)

    def update(self, name: str, **attributes: str) -> dict:
        attributes = [{"Name": key, "Value": value} for key, value in attributes.items()]
        return self.admin("admin_update_user_attributes", name, UserAttributes=attributes)

    def set_password(self, name: str, password: str) -> dict:
        return self.admin("admin_set_user_password", name, Password=password, Permanent=True)

    def status(self, name: str) -> str:
        return self.admin("admin_get_user", name)["UserStatus"]

    def attributes(self, name: str) -> dict[str, str]:
        listed = self.admin("admin_get_user", name)["UserAttributes"]
        return {entry["Name"]: entry["Value"] for entry in listed}

    # -- tokens

    def keys(self) -> dict[str, dict]:
        keys = get_json(f"{self.url}/{self.pool_id}/.well-known/jwks.json")["keys"]
        return {key["kid"]: key for key in keys}

    def verify(self, token: str) -> None:
        """Checks a token's signature with the key that its header names."""
        header, _, signature = token.split(".")
        header = json.loads(decode(header))
        equal("alg", header.get("alg"), "RS256")
        key = self.keys().get(header.get("kid"))
        check(key is not None, f"the key set has no key {header.get('kid')}")
        equal("kty of the key", key["kty"], "RSA")
        number = lambda text: int.from_bytes(decode(text), "big")
        public = RSAPublicNumbers(e=number(key["e"]), n=number(key["n"])).public_key()
        signed = token.rsplit(".", 1)[0].encode()
        # Raises InvalidSignature.
        public.verify(decode(signature), signed, PKCS1v15(), SHA256())


def address(name: str) -> str:
    return f"{name}@example.com"


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token: str) -> dict:
    return json.loads(decode(token.split(".")[1]))


def kid(token: str) -> str:
    return json.loads(decode(token.split(".")[0])).get("kid")


def other(code: str) -> str:
    """A code of the usual form that is not this one."""
    return "000000" if code != "000000" else "111111"


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Mismatch(otherwise)


def equal(what: str, seen: Any, documented: Any) -> None:
    check(seen == documented, f"{what} is {seen!r}, documented is {documented!r}")


def refused(documented: str | tuple[str, ...], call: Callable[..., Any], *arguments: Any, **members: Any) -> str:
    """Asserts that a call fails with this exception, or one of these, and gives its message."""
    codes = (documented,) if isinstance(documented, str) else documented
    wanted = " or ".join(codes)
    try:
        call(*arguments, **members)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        check(code in codes, f"{code} instead of {wanted}")
        return error.response["Error"]["Message"]
    raise Mismatch(f"accepted instead of {wanted}")


def delivery(answer: dict) -> dict:
    """What is said of where a code went."""
    details = answer.get("CodeDeliveryDetails") or {}
    equal("DeliveryMedium", details.get("DeliveryMedium"), "EMAIL")
    equal("AttributeName", details.get("AttributeName"), "email")
    check(bool(details.get("Destination")), "there is no Destination")
    return details


# ---------------------------------------------------------------------------------------------------- the cases


@dataclass(frozen=True)
class Case:
    name: str
    documented: str
    url: str
    run: Callable[[Target], None]


CASES: list[Case] = []


def case(name: str, documented: str, url: str) -> Callable[[Callable[[Target], None]], Callable[[Target], None]]:
    def add(run: Callable[[Target], None]) -> Callable[[Target], None]:
        if any(known.name == name for known in CASES):
            raise ValueError(f"two cases are called {name}")
        CASES.append(Case(name, documented, url, run))
        return run

    return add


# -- sign up


@case("sign up", "A new user is unconfirmed and has a sub; a code is on its way.", API + "SignUp.html")
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.sign_up(name)
    equal("UserConfirmed", answer["UserConfirmed"], False)
    delivery(answer)
    equal("UserStatus", t.status(name), "UNCONFIRMED")
    equal("sub", t.attributes(name).get("sub"), answer["UserSub"])
    uuid.UUID(answer["UserSub"])


@case("sign up: the destination is masked", "The answer's Destination is of the form d***@e***.", API + "SignUp.html")
def _(t: Target) -> None:
    name = t.new_name()
    destination = delivery(t.sign_up(name))["Destination"]
    check(address(name) not in destination and "*" in destination, "Destination is the whole address")


@case("sign up: the name is taken", "UsernameExistsException.", API + "SignUp.html#API_SignUp_Errors")
def _(t: Target) -> None:
    name = t.unconfirmed()
    refused("UsernameExistsException", t.sign_up, name)


@case(
    "sign up: the name is taken in other letters",
    "In a pool that is not case sensitive, names that differ only in case are the same.",
    GUIDE + "user-pool-case-sensitivity.html",
)
def _(t: Target) -> None:
    name = "a" + t.unconfirmed()
    t.sign_up(name)
    refused("UsernameExistsException", t.sign_up, name.upper())


@case(
    "sign up: password of 7 characters",
    "InvalidPasswordException: the policy asks for 8.",
    API + "SignUp.html#API_SignUp_Errors",
)
def _(t: Target) -> None:
    name = t.new_name()
    refused("InvalidPasswordException", t.sign_up, name, "sevench")
    refused("UserNotFoundException", t.status, name)


@case(
    "sign up: password of 257 characters",
    "InvalidParameterException: a request's password has at most 256, whatever the policy says.",
    API + "SignUp.html#CognitoUserPools-SignUp-request-Password",
)
def _(t: Target) -> None:
    refused("InvalidParameterException", t.sign_up, t.new_name(), "p" * 257)


@case(
    "sign up: no e-mail",
    "InvalidParameterException: a required attribute has to be there.",
    GUIDE + "user-pool-settings-attributes.html",
)
def _(t: Target) -> None:
    refused("InvalidParameterException", t.sign_up, t.new_name(), UserAttributes=[])


@case("sign up: not an e-mail", "InvalidParameterException.", GUIDE + "user-pool-settings-attributes.html")
def _(t: Target) -> None:
    wrong = [{"Name": "email", "Value": "nobody"}]
    refused("InvalidParameterException", t.sign_up, t.new_name(), UserAttributes=wrong)


@case(
    "sign up: the user says that the address is verified",
    "Only an administrator may write email_verified.",
    GUIDE + "user-pool-settings-attributes.html#user-pool-settings-attribute-permissions-and-scopes",
)
def _(t: Target) -> None:
    name = t.new_name()
    verified = [{"Name": "email", "Value": address(name)}, {"Name": "email_verified", "Value": "true"}]
    refused(("NotAuthorizedException", "InvalidParameterException"), t.sign_up, name, UserAttributes=verified)


@case(
    "sign up: an attribute that the client may not write",
    "NotAuthorizedException: WriteAttributes has the address and the preferred name only.",
    GUIDE + "user-pool-settings-attributes.html#user-pool-settings-attribute-permissions-and-scopes",
)
def _(t: Target) -> None:
    name = t.new_name()
    attributes = [{"Name": "email", "Value": address(name)}, {"Name": "nickname", "Value": "Ana"}]
    refused("NotAuthorizedException", t.sign_up, name, UserAttributes=attributes)
    refused("UserNotFoundException", t.status, name)
    attributes[1]["Name"] = "preferred_username"
    t.sign_up(name, UserAttributes=attributes)


@case(
    "sign up: a blank in the name",
    "InvalidParameterException: the pattern of a name has no blanks.",
    API + "SignUp.html#CognitoUserPools-SignUp-request-Username",
)
def _(t: Target) -> None:
    refused("InvalidParameterException", t.sign_up, "two words")


# -- confirm


@case("confirm: right code", "The user is confirmed and can log in.", GUIDE + "signing-up-users-in-your-app.html")
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.sign_up(name)
    t.confirm(name, t.code(name, answer))
    equal("UserStatus", t.status(name), "CONFIRMED")
    t.log_in(name)


@case(
    "confirm: verifies the address",
    "The address that the code went to is verified.",
    GUIDE + "signing-up-users-in-your-app.html",
)
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.sign_up(name)
    t.confirm(name, t.code(name, answer))
    equal("email_verified", t.attributes(name).get("email_verified"), "true")


@case("confirm: wrong code", "CodeMismatchException.", API + "ConfirmSignUp.html#API_ConfirmSignUp_Errors")
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.sign_up(name)
    refused("CodeMismatchException", t.confirm, name, other(t.code(name, answer)))
    equal("UserStatus", t.status(name), "UNCONFIRMED")


@case(
    "confirm: twice",
    "NotAuthorizedException: there is nothing to confirm any more.",
    API + "ConfirmSignUp.html#API_ConfirmSignUp_Errors",
)
def _(t: Target) -> None:
    name = t.new_name()
    code = t.code(name, t.sign_up(name))
    t.confirm(name, code)
    refused("NotAuthorizedException", t.confirm, name, code)


@case("confirm: unknown user", "The answer does not tell that nobody has this name.", ERRORS)
def _(t: Target) -> None:
    refused(("ExpiredCodeException", "CodeMismatchException"), t.confirm, t.new_name(), "123456")


# -- resend


@case(
    "resend",
    "A code is sent again, and it confirms.",
    API + "ResendConfirmationCode.html",
)
def _(t: Target) -> None:
    name = t.unconfirmed()
    answer = t.resend(name)
    delivery(answer)
    t.confirm(name, t.code(name, answer))
    equal("UserStatus", t.status(name), "CONFIRMED")


@case("resend: unknown user", "CodeDeliveryDetails with a simulated destination; nothing is sent.", ERRORS)
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.resend(name)
    delivery(answer)
    t.sent_nothing(name, answer)


# -- log in


@case("log in", "Three tokens, and how long they are good.", API + "AdminInitiateAuth.html")
def _(t: Target) -> None:
    result = t.log_in(t.user())
    for token in ("AccessToken", "IdToken", "RefreshToken"):
        check(bool(result.get(token)), f"there is no {token}")
    equal("TokenType", result["TokenType"], "Bearer")
    equal("ExpiresIn", result["ExpiresIn"], 3600)


@case(
    "log in: the name in other letters",
    "In a pool that is not case sensitive, names that differ only in case are the same.",
    GUIDE + "user-pool-case-sensitivity.html",
)
def _(t: Target) -> None:
    name = t.user()
    t.log_in(name.upper())


@case("log in: wrong password", "NotAuthorizedException.", ERRORS)
def _(t: Target) -> None:
    refused("NotAuthorizedException", t.log_in, t.user(), OTHER_PASSWORD)


@case("log in: unknown user", "NotAuthorizedException, with the text that a wrong password gets.", ERRORS)
def _(t: Target) -> None:
    wrong = refused("NotAuthorizedException", t.log_in, t.user(), OTHER_PASSWORD)
    unknown = refused("NotAuthorizedException", t.log_in, t.new_name())
    equal("the text", unknown, wrong)


@case(
    "log in: unconfirmed",
    "UserNotConfirmedException.",
    API + "AdminInitiateAuth.html#API_AdminInitiateAuth_Errors",
)
def _(t: Target) -> None:
    refused("UserNotConfirmedException", t.log_in, t.unconfirmed())


@case("log in: unconfirmed, wrong password", "The text that a wrong password gets.", ERRORS)
def _(t: Target) -> None:
    wrong = refused("NotAuthorizedException", t.log_in, t.user(), OTHER_PASSWORD)
    equal("the text", refused("NotAuthorizedException", t.log_in, t.unconfirmed(), OTHER_PASSWORD), wrong)


@case(
    "log in: disabled",
    "NotAuthorizedException: a disabled user cannot log in.",
    API + "AdminDisableUser.html",
)
def _(t: Target) -> None:
    name = t.user()
    t.admin("admin_disable_user", name)
    refused("NotAuthorizedException", t.log_in, name)


@case("log in: disabled, wrong password", "The text that a wrong password gets.", ERRORS)
def _(t: Target) -> None:
    name = t.user()
    wrong = refused("NotAuthorizedException", t.log_in, name, OTHER_PASSWORD)
    t.admin("admin_disable_user", name)
    equal("the text", refused("NotAuthorizedException", t.log_in, name, OTHER_PASSWORD), wrong)


@case(
    "log in: by who does not administer the pool",
    "InvalidParameterException: ExplicitAuthFlows has no USER_PASSWORD_AUTH, so nobody can try passwords.",
    API + "InitiateAuth.html#API_InitiateAuth_Errors",
)
def _(t: Target) -> None:
    name = t.user()
    for password in (PASSWORD, OTHER_PASSWORD):
        refused(
            "InvalidParameterException",
            t.client.initiate_auth,
            ClientId=t.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )


@case(
    "log in: the administrator's flow, by who is none",
    "InvalidParameterException: it is not for InitiateAuth.",
    API + "InitiateAuth.html#CognitoUserPools-InitiateAuth-request-AuthFlow",
)
def _(t: Target) -> None:
    refused(
        "InvalidParameterException",
        t.client.initiate_auth,
        ClientId=t.client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": t.user(), "PASSWORD": PASSWORD},
    )


@case(
    "log in: a flow that the client does not allow",
    "InvalidParameterException: ExplicitAuthFlows has only ADMIN_USER_PASSWORD_AUTH and refreshing.",
    API + "InitiateAuth.html#API_InitiateAuth_Errors",
)
def _(t: Target) -> None:
    refused(
        "InvalidParameterException",
        t.client.initiate_auth,
        ClientId=t.client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": t.user(), "SRP_A": "a1"},
    )


# -- the client's secret, and what a bearer opens

PUBLIC_CALLS = {
    "SignUp": {"Password": PASSWORD, "UserAttributes": [{"Name": "email", "Value": "eve@example.com"}]},
    "ConfirmSignUp": {"ConfirmationCode": "123456"},
    "ResendConfirmationCode": {},
    "ForgotPassword": {},
    "ConfirmForgotPassword": {"ConfirmationCode": "123456", "Password": OTHER_PASSWORD},
}


def without_secret(operation: str) -> None:
    @case(f"secret: {operation} without it, or with a wrong one", "NotAuthorizedException.", SECRET)
    def _(t: Target) -> None:
        call = getattr(t.client, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
        name = t.new_name() if operation == "SignUp" else t.unconfirmed()
        for wrong in ("", "bm90aGluZw=="):
            members = {"ClientId": t.client_id, "Username": name, "SecretHash": wrong, **PUBLIC_CALLS[operation]}
            refused(("NotAuthorizedException", "InvalidParameterException"), call, **members)


for public_call in PUBLIC_CALLS:
    without_secret(public_call)


@case("secret: refreshing with that of another user", "NotAuthorizedException.", SECRET)
def _(t: Target) -> None:
    token = t.log_in(t.user())["RefreshToken"]
    for wrong in ("bm90aGluZw==", t.hash(t.user())):
        refused(
            "NotAuthorizedException",
            t.client.initiate_auth,
            ClientId=t.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token, "SECRET_HASH": wrong},
        )


SELF_SERVICE = {
    "GetUser": {},
    "DeleteUser": {},
    "UpdateUserAttributes": {"UserAttributes": [{"Name": "email", "Value": "eve@example.com"}]},
    "VerifyUserAttribute": {"AttributeName": "email", "Code": "123456"},
    "ChangePassword": {"PreviousPassword": PASSWORD, "ProposedPassword": OTHER_PASSWORD},
}


def self_service_with_bearer(operation: str) -> None:
    @case(f"self-service: {operation} with an ID token", "NotAuthorizedException: it takes access tokens.", ACCESS_TOKEN)
    def _(t: Target) -> None:
        call = getattr(t.client, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
        token = t.log_in(t.user())["IdToken"]
        refused("NotAuthorizedException", call, AccessToken=token, **SELF_SERVICE[operation])


for self_service in SELF_SERVICE:
    self_service_with_bearer(self_service)


# -- refresh


@case("refresh", "New access and ID tokens; without rotation no new refresh token.", REFRESHING)
def _(t: Target) -> None:
    before = t.log_in(t.user())
    after = t.refresh(before["RefreshToken"])
    check(bool(after.get("AccessToken") and after.get("IdToken")), "a token is missing")
    check("RefreshToken" not in after, "there is a new refresh token")
    equal("ExpiresIn", after["ExpiresIn"], 3600)
    t.verify(after["AccessToken"])


@case("refresh: twice", "A refresh token is good until it expires or is revoked.", REFRESHING)
def _(t: Target) -> None:
    token = t.log_in(t.user())["RefreshToken"]
    first, second = t.refresh(token), t.refresh(token)
    check(first["AccessToken"] != second["AccessToken"], "the access token is the same")


@case("refresh: garbage", "NotAuthorizedException.", API + "InitiateAuth.html#API_InitiateAuth_Errors")
def _(t: Target) -> None:
    refused("NotAuthorizedException", t.refresh, "garbage")


@case("refresh: an access token", "NotAuthorizedException.", API + "InitiateAuth.html#API_InitiateAuth_Errors")
def _(t: Target) -> None:
    refused("NotAuthorizedException", t.refresh, t.log_in(t.user())["AccessToken"])


@case("refresh: after it was revoked", "NotAuthorizedException.", API + "RevokeToken.html")
def _(t: Target) -> None:
    name = t.user()
    revoked, kept = t.log_in(name)["RefreshToken"], t.log_in(name)["RefreshToken"]
    t.client.revoke_token(ClientId=t.client_id, Token=revoked)
    refused("NotAuthorizedException", t.refresh, revoked)
    t.refresh(kept)


@case(
    "revoke: an access token",
    "UnsupportedTokenTypeException: only refresh tokens can be revoked.",
    API + "RevokeToken.html#API_RevokeToken_Errors",
)
def _(t: Target) -> None:
    token = t.log_in(t.user())["AccessToken"]
    refused("UnsupportedTokenTypeException", t.client.revoke_token, ClientId=t.client_id, Token=token)


# -- forgotten passwords


@case("forgot", "The code that was sent sets a new password.", GUIDE + "how-to-recover-a-user-account.html")
def _(t: Target) -> None:
    name = t.user()
    answer = t.forgot(name)
    delivery(answer)
    t.reset(name, t.code(name, answer))
    t.log_in(name, OTHER_PASSWORD)
    refused("NotAuthorizedException", t.log_in, name)


@case("forgot: unknown user", "CodeDeliveryDetails with a simulated destination; nothing is sent.", ERRORS)
def _(t: Target) -> None:
    name = t.new_name()
    answer = t.forgot(name)
    delivery(answer)
    t.sent_nothing(name, answer)


@case("forgot: disabled", "CodeDeliveryDetails as for an unknown user; nothing is sent.", ERRORS)
def _(t: Target) -> None:
    name = t.new_name()
    t.sign_up(name, UserAttributes=[{"Name": "email", "Value": "first-" + address(name)}])
    t.admin("admin_confirm_sign_up", name)
    # An address that the code for signing up did not go to.
    t.update(name, email=address(name), email_verified="true")
    t.admin("admin_disable_user", name)
    answer = t.forgot(name)
    delivery(answer)
    t.sent_nothing(name, answer)


@case(
    "forgot: the address is not verified",
    "CodeDeliveryDetails as for an unknown user, for there is no verified way to reach this one; nothing is sent.",
    ERRORS,
)
def _(t: Target) -> None:
    name = t.new_name()
    t.sign_up(name, UserAttributes=[{"Name": "email", "Value": "first-" + address(name)}])
    t.admin("admin_confirm_sign_up", name)
    t.update(name, email=address(name), email_verified="false")
    answer = t.forgot(name)
    delivery(answer)
    t.sent_nothing(name, answer)


@case(
    "reset: wrong code",
    "CodeMismatchException, and the password is the old one.",
    API + "ConfirmForgotPassword.html#API_ConfirmForgotPassword_Errors",
)
def _(t: Target) -> None:
    name = t.user()
    code = t.code(name, t.forgot(name))
    refused("CodeMismatchException", t.reset, name, other(code))
    t.log_in(name)


@case(
    "reset: right code after a wrong one",
    "There are at least 5 tries to enter a code.",
    GUIDE + "how-to-recover-a-user-account.html",
)
def _(t: Target) -> None:
    name = t.user()
    code = t.code(name, t.forgot(name))
    for _ in range(3):
        refused("CodeMismatchException", t.reset, name, other(code))
    t.reset(name, code)
    t.log_in(name, OTHER_PASSWORD)


@case("reset: unknown user", "CodeMismatchException.", ERRORS)
def _(t: Target) -> None:
    refused("CodeMismatchException", t.reset, t.new_name(), "123456")


@case("reset: no code was asked for", "ExpiredCodeException.", ERRORS)
def _(t: Target) -> None:
    refused("ExpiredCodeException", t.reset, t.user(), "123456")


@case("reset: the same code again", "ExpiredCodeException: the code is used up.", ERRORS)
def _(t: Target) -> None:
    name = t.user()
    code = t.code(name, t.forgot(name))
    t.reset(name, code)
    refused("ExpiredCodeException", t.reset, name, code, PASSWORD)


@case(
    "reset: password of 7 characters",
    "InvalidPasswordException, and the password is the old one.",
    API + "ConfirmForgotPassword.html#API_ConfirmForgotPassword_Errors",
)
def _(t: Target) -> None:
    name = t.user()
    code = t.code(name, t.forgot(name))
    refused("InvalidPasswordException", t.reset, name, code, "sevench")
    t.log_in(name)


# -- AdminSetUserPassword


@case("set password", "A permanent password replaces the old one.", API + "AdminSetUserPassword.html")
def _(t: Target) -> None:
    name = t.user()
    t.set_password(name, OTHER_PASSWORD)
    t.log_in(name, OTHER_PASSWORD)
    refused("NotAuthorizedException", t.log_in, name)


@case("set password: unconfirmed", "A permanent password confirms its user.", API + "AdminSetUserPassword.html")
def _(t: Target) -> None:
    name = t.unconfirmed()
    t.set_password(name, OTHER_PASSWORD)
    equal("UserStatus", t.status(name), "CONFIRMED")
    t.log_in(name, OTHER_PASSWORD)


@case(
    "set password: 7 characters",
    "InvalidPasswordException.",
    API + "AdminSetUserPassword.html#API_AdminSetUserPassword_Errors",
)
def _(t: Target) -> None:
    name = t.user()
    refused("InvalidPasswordException", t.set_password, name, "sevench")
    t.log_in(name)


# -- signing out, disabling, deleting


@case(
    "sign out everywhere",
    "All of the user's refresh tokens are revoked; logging in again works.",
    API + "AdminUserGlobalSignOut.html",
)
def _(t: Target) -> None:
    name = t.user()
    tokens = [t.log_in(name)["RefreshToken"] for _ in range(2)]
    t.admin("admin_user_global_sign_out", name)
    for token in tokens:
        refused("NotAuthorizedException", t.refresh, token)
    t.refresh(t.log_in(name)["RefreshToken"])


@case("disable: sessions end", "The tokens are revoked.", API + "AdminDisableUser.html")
def _(t: Target) -> None:
    name = t.user()
    token = t.log_in(name)["RefreshToken"]
    t.admin("admin_disable_user", name)
    equal("Enabled", t.admin("admin_get_user", name)["Enabled"], False)
    refused("NotAuthorizedException", t.refresh, token)


@case("disable: twice", "Disabling who is disabled is no error.", API + "AdminDisableUser.html")
def _(t: Target) -> None:
    name = t.user()
    for _ in range(2):
        t.admin("admin_disable_user", name)
    equal("Enabled", t.admin("admin_get_user", name)["Enabled"], False)


@case("enable", "The user can log in again; enabling again is no error.", API + "AdminEnableUser.html")
def _(t: Target) -> None:
    name = t.user()
    t.admin("admin_disable_user", name)
    for _ in range(2):
        t.admin("admin_enable_user", name)
    t.log_in(name)


@case(
    "enable: what was revoked stays so",
    "A revoked refresh token is never good again.",
    API + "AdminDisableUser.html",
)
def _(t: Target) -> None:
    name = t.user()
    token = t.log_in(name)["RefreshToken"]
    t.admin("admin_disable_user", name)
    t.admin("admin_enable_user", name)
    refused("NotAuthorizedException", t.refresh, token)


@case("delete", "The user is gone and the name is free.", API + "AdminDeleteUser.html")
def _(t: Target) -> None:
    name = t.user()
    t.admin("admin_delete_user", name)
    refused("UserNotFoundException", t.status, name)
    t.sign_up(name)


@case("delete: log in", "NotAuthorizedException, as for who never was.", ERRORS)
def _(t: Target) -> None:
    name = t.user()
    t.admin("admin_delete_user", name)
    refused("NotAuthorizedException", t.log_in, name)


@case("delete: sessions end", "NotAuthorizedException.", API + "InitiateAuth.html#API_InitiateAuth_Errors")
def _(t: Target) -> None:
    name = t.user()
    token = t.log_in(name)["RefreshToken"]
    t.admin("admin_delete_user", name)
    refused("NotAuthorizedException", t.refresh, token)


# -- AdminConfirmSignUp, AdminUpdateUserAttributes


@case(
    "administrator confirms",
    "The user is confirmed; that says nothing of the address.",
    API + "AdminConfirmSignUp.html",
)
def _(t: Target) -> None:
    name = t.unconfirmed()
    t.admin("admin_confirm_sign_up", name)
    equal("UserStatus", t.status(name), "CONFIRMED")
    check(t.attributes(name).get("email_verified") != "true", "the address is verified")


@case(
    "administrator confirms: twice",
    "NotAuthorizedException: there is nothing to confirm any more.",
    API + "AdminConfirmSignUp.html#API_AdminConfirmSignUp_Errors",
)
def _(t: Target) -> None:
    name = t.unconfirmed()
    t.admin("admin_confirm_sign_up", name)
    refused("NotAuthorizedException", t.admin, "admin_confirm_sign_up", name)


@case(
    "update attributes",
    "An administrator changes the address and says that it is verified.",
    API + "AdminUpdateUserAttributes.html",
)
def _(t: Target) -> None:
    name = t.user()
    before = t.attributes(name)
    t.update(name, email="new-" + address(name), email_verified="true")
    after = t.attributes(name)
    equal("attributes", after, {**before, "email": "new-" + address(name), "email_verified": "true"})


@case(
    "update attributes: codes go to the new address",
    "An address that an administrator says is verified is where codes go.",
    API + "AdminUpdateUserAttributes.html",
)
def _(t: Target) -> None:
    name, other_name = t.user(), t.new_name()
    t.update(name, email=address(other_name), email_verified="true")
    answer = t.forgot(name)
    t.reset(name, t.code(other_name, answer))
    t.log_in(name, OTHER_PASSWORD)


@case(
    "update attributes: a blank value",
    "An attribute that is given a blank value is deleted.",
    API + "AdminUpdateUserAttributes.html",
)
def _(t: Target) -> None:
    name = t.user()
    t.update(name, nickname="Ana")
    equal("nickname", t.attributes(name).get("nickname"), "Ana")
    t.update(name, nickname="")
    check("nickname" not in t.attributes(name), "the attribute is still there")


@case(
    "update attributes: sub",
    "InvalidParameterException: a sub cannot be changed.",
    GUIDE + "user-pool-settings-attributes.html",
)
def _(t: Target) -> None:
    name = t.user()
    before = t.attributes(name)["sub"]
    refused("InvalidParameterException", t.update, name, sub=str(uuid.uuid4()))
    equal("sub", t.attributes(name)["sub"], before)


@case(
    "update attributes: unknown attribute",
    "InvalidParameterException: the pool's schema has no such attribute.",
    GUIDE + "user-pool-settings-attributes.html",
)
def _(t: Target) -> None:
    refused("InvalidParameterException", t.update, t.user(), shoe_size="41")


# -- an account that is made for its message (docs/adr/0028)


@case(
    "delete: the name is free again",
    "Who signs up with it is another user, with an address and a code of their own.",
    API + "AdminDeleteUser.html",
)
def _(t: Target) -> None:
    name, other_name = t.unconfirmed(), t.new_name()
    sub = t.attributes(name)["sub"]
    t.admin("admin_delete_user", name)
    answer = t.sign_up(name, UserAttributes=[{"Name": "email", "Value": address(other_name)}])
    equal("UserStatus", t.status(name), "UNCONFIRMED")
    equal("email", t.attributes(name)["email"], address(other_name))
    check(t.attributes(name)["sub"] != sub, "it is the same user")
    if t.read_code(address(other_name), answer) is not None:
        t.confirm(name, t.code(other_name, answer))
        equal("UserStatus", t.status(name), "CONFIRMED")


# -- nobody, nowhere

ADMIN_CALLS: list[tuple[str, dict]] = [
    ("admin_confirm_sign_up", {}),
    ("admin_delete_user", {}),
    ("admin_disable_user", {}),
    ("admin_enable_user", {}),
    ("admin_get_user", {}),
    ("admin_set_user_password", {"Password": PASSWORD, "Permanent": True}),
    ("admin_update_user_attributes", {"UserAttributes": [{"Name": "email_verified", "Value": "true"}]}),
    ("admin_user_global_sign_out", {}),
]

CLIENT_CALLS: list[tuple[str, dict]] = [
    ("sign_up", {"Password": PASSWORD, "UserAttributes": [{"Name": "email", "Value": "ana@example.com"}]}),
    ("confirm_sign_up", {"ConfirmationCode": "123456"}),
    ("resend_confirmation_code", {}),
    ("forgot_password", {}),
    ("confirm_forgot_password", {"ConfirmationCode": "123456", "Password": PASSWORD}),
]


def each_administrator_call(operation: str, members: dict) -> None:
    name = "".join(word.title() for word in operation.split("_"))
    errors = f"{API}{name}.html#API_{name}_Errors"

    @case(f"unknown user: {name}", "UserNotFoundException: an administrator is told.", errors)
    def _(t: Target) -> None:
        refused("UserNotFoundException", t.admin, operation, t.new_name(), **members)

    @case(f"unknown pool: {name}", "ResourceNotFoundException.", errors)
    def _(t: Target) -> None:
        call = getattr(t.client, operation)
        refused("ResourceNotFoundException", call, UserPoolId=another(t.pool_id), Username=t.new_name(), **members)


def each_client_call(operation: str, members: dict) -> None:
    name = "".join(word.title() for word in operation.split("_"))

    @case(f"unknown client: {name}", "ResourceNotFoundException.", f"{API}{name}.html#API_{name}_Errors")
    def _(t: Target) -> None:
        call = getattr(t.client, operation)
        refused("ResourceNotFoundException", call, ClientId=another(t.client_id), Username=t.new_name(), **members)


def another(identifier: str) -> str:
    """An id of the same form that nothing has."""
    return identifier[:-1] + ("a" if identifier[-1] != "a" else "b")


for call in ADMIN_CALLS:
    each_administrator_call(*call)
for call in CLIENT_CALLS:
    each_client_call(*call)


@case("unknown client: InitiateAuth", "ResourceNotFoundException.", API + "InitiateAuth.html#API_InitiateAuth_Errors")
def _(t: Target) -> None:
    refused(
        "ResourceNotFoundException",
        t.client.initiate_auth,
        ClientId=another(t.client_id),
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": t.log_in(t.user())["RefreshToken"]},
    )


def each_half_unknown(what: str, member: str) -> None:
    errors = API + "AdminInitiateAuth.html#API_AdminInitiateAuth_Errors"

    @case(f"unknown {what}: AdminInitiateAuth", "ResourceNotFoundException.", errors)
    def _(t: Target) -> None:
        members = {"UserPoolId": t.pool_id, "ClientId": t.client_id}
        refused(
            "ResourceNotFoundException",
            t.client.admin_initiate_auth,
            **members | {member: another(members[member])},
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": t.user(), "PASSWORD": PASSWORD},
        )


each_half_unknown("pool", "UserPoolId")
each_half_unknown("client", "ClientId")


# -- tokens


@case("token: whose and whence", "iss, client_id, token_use, sub and username of an access token.", ACCESS_TOKEN)
def _(t: Target) -> None:
    name = t.user()
    token = claims(t.log_in(name)["AccessToken"])
    equal("iss", token.get("iss"), t.issuer)
    equal("client_id", token.get("client_id"), t.client_id)
    equal("token_use", token.get("token_use"), "access")
    equal("username", token.get("username"), name)
    equal("sub", token.get("sub"), t.attributes(name)["sub"])
    equal("scope", token.get("scope"), "aws.cognito.signin.user.admin")
    check("aud" not in token, "an access token has an aud")


@case("token: from when to when", "iat, auth_time and exp are whole seconds; good for an hour.", ACCESS_TOKEN)
def _(t: Target) -> None:
    began = int(time.time())
    token = claims(t.log_in(t.user())["AccessToken"])
    for claim in ("iat", "auth_time", "exp"):
        check(type(token.get(claim)) is int, f"{claim} is {token.get(claim)!r}, documented is a whole number")
    equal("exp - iat", token["exp"] - token["iat"], 3600)
    # A second for the clock's rounding and one for the call.
    check(began - 1 <= token["iat"] <= time.time() + 1, "iat is not now")
    check(0 <= token["iat"] - token["auth_time"] <= 1, "auth_time is not when the user logged in")


@case(
    "token: jti and origin_jti",
    "jti is the token's own; origin_jti is that of the log-in, in both tokens.",
    ACCESS_TOKEN,
)
def _(t: Target) -> None:
    name = t.user()
    results = [t.log_in(name) for _ in range(2)]
    tokens = [claims(result[kind]) for result in results for kind in ("AccessToken", "IdToken")]
    for claim in ("jti", "origin_jti"):
        check(all(token.get(claim) for token in tokens), f"there is no {claim}")
    equal("number of jti", len({token["jti"] for token in tokens}), 4)
    equal("origin_jti of the two tokens", tokens[0]["origin_jti"], tokens[1]["origin_jti"])
    check(tokens[0]["origin_jti"] != tokens[2]["origin_jti"], "two log-ins have the same origin_jti")


@case(
    "token: of a refreshed session",
    "jti and iat are new; origin_jti, auth_time and sub are those of the log-in.",
    ACCESS_TOKEN,
)
def _(t: Target) -> None:
    result = t.log_in(t.user())
    before = claims(result["AccessToken"])
    # So that a time that is wrongly "now" shows.
    time.sleep(1.1)
    after = claims(t.refresh(result["RefreshToken"])["AccessToken"])
    for claim in ("origin_jti", "auth_time", "sub", "username"):
        equal(claim, after.get(claim), before.get(claim))
    check(after.get("jti") != before.get("jti"), "jti is the same")
    check(after["iat"] > before["iat"], "iat is the same")


@case("token: signatures", "RS256 with a key of the pool's key set, which the header names.", VERIFYING)
def _(t: Target) -> None:
    result = t.log_in(t.user())
    t.verify(result["AccessToken"])
    t.verify(result["IdToken"])


@case("token: two keys", "Access tokens are signed with another key than ID tokens.", ACCESS_TOKEN)
def _(t: Target) -> None:
    result = t.log_in(t.user())
    check(kid(result["AccessToken"]) != kid(result["IdToken"]), "both tokens are signed with one key")


@case("token: the key set", "Each key has kid, kty RSA, alg RS256, use sig, n and e.", VERIFYING)
def _(t: Target) -> None:
    keys = t.keys()
    check(len(keys) > 0, "there is no key")
    for key in keys.values():
        equal("kty, alg and use", [key.get("kty"), key.get("alg"), key.get("use")], ["RSA", "RS256", "sig"])
        check(bool(key.get("n")) and bool(key.get("e")), "a key has no n or no e")


@case("ID token", "aud, token_use, cognito:username and the attribute that the client may read, a boolean.", ID_TOKEN)
def _(t: Target) -> None:
    name = t.user()
    token = claims(t.log_in(name)["IdToken"])
    equal("iss", token.get("iss"), t.issuer)
    equal("aud", token.get("aud"), t.client_id)
    equal("token_use", token.get("token_use"), "id")
    equal("cognito:username", token.get("cognito:username"), name)
    equal("sub", token.get("sub"), t.attributes(name)["sub"])
    equal("email", token.get("email"), None)
    equal("email_verified", token.get("email_verified"), True)


# ---------------------------------------------------------------------------------------------------- the targets

# Nothing here may go through a proxy: all targets are on this machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get_json(url: str) -> Any:
    with DIRECT.open(url, timeout=10) as answer:
        return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(url: str) -> Any:
    return boto3.session.Session().client(
        "cognito-idp",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # One try: a failure is to be seen, not repeated.
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=15, proxies={}),
    )


@contextmanager
def running(name: str, command: list[str], settings: dict[str, str] | None = None) -> Iterator[tuple[Any, Path]]:
    """A process that is ended at the end; its output goes to a file, which is shown if something breaks."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        environment |= {key: value.replace("{folder}", folder) for key, value in (settings or {}).items()}
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=ROOT
            )
        try:
            yield process, log
        except Exception:
            print(f"---- the last output of {name}", log.read_text(errors="replace")[-3000:], "----", sep="\n")
            raise
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(process: Any, ready: Callable[[], Any], seconds: float = 40) -> Any:
    """What `ready` gives, as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with {process.returncode}")
        try:
            if answer := ready():
                return answer
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("it does not answer")


@contextmanager
def broadsheet(binary: str | None) -> Iterator[Target]:
    program = [binary] if binary else ["cargo", "run", "--quiet", "--locked", "--"]
    options = ["backing", "--memory", "--without-triggers", "--host", "127.0.0.1"]
    options += ["--dynamodb-port", "0", "--cognito-port", "0", "--s3-port", "0"]
    with running("broadsheet", program + options) as (process, log):
        # It says itself which port it took and what the pool is called.
        line = re.compile(r"Cognito +(\S+:\d+) +pool (\S+), client (\S+)")
        found = wait_for(process, lambda: line.search(log.read_text()))
        url, pool_id, client_id = "http://" + found[1], found[2], found[3]

        def read_code(to: str, _answer: dict) -> str | None:
            emails = get_json(url + "/_local/emails")
            return next((email["code"] for email in emails if email["to"] == to), None)

        region = pool_id.split("_")[0]
        issuer = f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"
        yield Target("broadsheet", url, connect(url), pool_id, client_id, "broadsheetlocalclientsecret", issuer, read_code)


@contextmanager
def moto() -> Iterator[Target]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running("moto", command) as (process, _log):
        wait_for(process, lambda: DIRECT.open(url + "/moto-api/", timeout=5))
        client = connect(url)
        pool_id, client_id, secret = make_pool(client)

        def read_code(_to: str, answer: dict) -> str | None:
            # It sends no mail. The code of a reset is in a header; for signing up any code does.
            if "UserConfirmed" in answer:
                return "123456"
            code = answer["ResponseMetadata"]["HTTPHeaders"].get("x-moto-forgot-password-confirmation-code")
            return code if code != "None" else None

        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"
        yield Target("moto", url, client, pool_id, client_id, secret, issuer, read_code)


@contextmanager
def ministack() -> Iterator[Target]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        # Without AUTH it takes any code.
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "STATE_DIR": "{folder}/state",
        "S3_DATA_DIR": "{folder}/s3",
    }
    command = [str(Path(sys.executable).parent / "ministack")]
    with running("ministack", command, settings) as (process, _log):
        wait_for(process, lambda: DIRECT.open(url + "/_ministack/health", timeout=5))
        client = connect(url)
        pool_id, client_id, secret = make_pool(client)

        def read_code(to: str, _answer: dict) -> str | None:
            accounts = get_json(url + "/_ministack/ses/messages")["messages"]
            mine = [message for messages in accounts.values() for message in messages if to in message["To"]]
            found = re.search(r"\b\d{6}\b", mine[-1]["BodyText"] or mine[-1]["BodyHtml"]) if mine else None
            return found[0] if found else None

        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"
        yield Target("ministack", url, client, pool_id, client_id, secret, issuer, read_code)


class Ref(str):
    """What `!Ref` names."""


class TemplateLoader(yaml.SafeLoader):
    """Reads `!Ref`, and CloudFormation's other short forms, which no setting that counts here uses, as their names."""


TemplateLoader.add_constructor("!Ref", lambda loader, node: Ref(loader.construct_scalar(node)))
TemplateLoader.add_multi_constructor("!", lambda _loader, suffix, _node: "!" + suffix)


def make_pool(client: Any) -> tuple[str, str, str]:
    """A user pool as the template defines it, so that the contract is about the pool that is deployed."""
    template = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)
    resources, parameters = template["Resources"], template["Parameters"]

    def properties(name: str) -> dict:
        default = lambda value: parameters[value]["Default"] if value in parameters else value
        return {
            key: default(value) if isinstance(value, Ref) else value
            for key, value in resources[name]["Properties"].items()
            # The triggers are functions, which an emulator of Cognito alone does not have.
            # What the environment decides, protection and who sends e-mails, is no part of the contract.
            if key != "LambdaConfig" and value != "!If"
        }

    pool = client.create_user_pool(PoolName="contract", **properties("UserPool"))["UserPool"]["Id"]
    settings = properties("UserPoolClient") | {"UserPoolId": pool, "ClientName": "contract"}
    app = client.create_user_pool_client(**settings)["UserPoolClient"]
    return pool, app["ClientId"], app["ClientSecret"]


# ---------------------------------------------------------------------------------------------------- the run


def outcome(run: Callable[[Target], None], target: Target) -> str | None:
    """Why a case fails, or None."""
    try:
        run(target)
    except Mismatch as mismatch:
        return str(mismatch)
    except ClientError as error:
        message = error.response["Error"]["Message"].split("\n")[0]
        return f"{error.operation_name}: {error.response['Error']['Code']}: {message}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def run_all(target: Target, cases: list[Case]) -> bool:
    known = {difference.case: difference for difference in KNOWN_DIFFERENCES[target.name]}
    passed = differing = failed = 0
    began = time.monotonic()
    for case in cases:
        seen = outcome(case.run, target)
        difference = known.get(case.name)
        if seen is None and difference is None:
            verdict, passed = "ok", passed + 1
        elif seen is None:
            verdict, failed = "FAIL", failed + 1
            seen = "as documented now: take it off KNOWN_DIFFERENCES"
        elif difference is not None and difference.seen in seen:
            verdict, differing = "differs", differing + 1
            seen = f"{seen} ({difference.why})"
        else:
            verdict, failed = "FAIL", failed + 1
            seen = f"{seen}\n        documented: {case.documented}\n        {case.url}"
            if difference is not None:
                seen += f"\n        known is another difference: {difference.seen}"
        print(f"{verdict:8}{target.name:12}{case.name}" + (f": {seen}" if seen else ""), flush=True)
    seconds = time.monotonic() - began
    print(
        f"==      {target.name}: {passed} of {len(cases)} as documented, {differing} known differences,"
        f" {failed} failures, in {seconds:.0f} s",
        flush=True,
    )
    return failed == 0


class TooLong(BaseException):
    """Not an Exception, so that no library on the way takes it for one of its own failures."""


def too_long(*_: Any) -> None:
    raise TooLong


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the identity contract against every target.")
    built = "a built program; without it, cargo builds and runs it"
    parser.add_argument("--broadsheet", metavar="PATH", type=os.path.abspath, help=built)
    parser.add_argument("--target", action="append", choices=list(KNOWN_DIFFERENCES), help="only this one")
    parser.add_argument("--case", metavar="TEXT", default="", help="only cases whose name has this text")
    options = parser.parse_args()

    cases = [case for case in CASES if options.case in case.name]
    names = {case.name for case in CASES}
    for target, differences in KNOWN_DIFFERENCES.items():
        listed = [difference.case for difference in differences]
        if len(set(listed)) < len(listed) or not set(listed) <= names:
            parser.error(f"KNOWN_DIFFERENCES of {target} names a case twice, or one that is not there")

    # Nothing may reach a real account.
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    starts = {"broadsheet": lambda: broadsheet(options.broadsheet), "moto": moto, "ministack": ministack}
    wanted = options.target or list(starts)
    if "broadsheet" in wanted and not options.broadsheet:
        # Before the clock runs.
        subprocess.run(["cargo", "build", "--quiet", "--locked", "--bin", "broadsheet"], cwd=ROOT, check=True)

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(MOST_SECONDS)
    good = True
    for name in wanted:
        try:
            with starts[name]() as target:
                good &= run_all(target, cases)
        except RuntimeError as error:
            print(f"FAIL    {name}: {error}")
            good = False
        except TooLong:
            print(f"FAIL    {name}: all of it took more than {MOST_SECONDS} s")
            return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
