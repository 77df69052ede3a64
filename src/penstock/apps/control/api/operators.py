"""Operators: who may log in to the console, with which role; only owners change that.

An operator comes in by an invitation: a link that works once, within seven days, for one address.
The last owner can be neither disabled nor given another role.
"""

from typing import Final

import msgspec

from penstock.apps.control.call import Call, Change
from penstock.apps.control.identity import INVITED_S, OWNER, RESET_S
from penstock.apps.control.who import ROLES
from penstock.identity import accounts, links
from penstock.identity.accounts import Account
from penstock.identity.errors import AccountError, NoAccountError
from penstock.identity.links import Link
from penstock.web.endpoint import Endpoint, InvalidError, Role


class Operator(msgspec.Struct, frozen=True):
    """Who may log in."""

    email: str
    name: str
    role: str
    has_password: bool
    created_unix_s: float
    seen_unix_s: float  # the last log-in; 0: none yet
    disabled_unix_s: float  # 0: may log in


class Invitation(msgspec.Struct, frozen=True):
    """Who was invited and has not come yet."""

    email: str
    name: str
    role: str
    made_by: str
    expires_unix_s: float


class NewInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite."""

    email: str
    role: str = "viewer"
    name: str = ""


class OneTimeLink(msgspec.Struct, frozen=True):
    """A link that works once. It is shown this once."""

    url: str
    email: str
    expires_unix_s: float


class OperatorChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    role: str | None = None
    is_disabled: bool | None = None


def list_operators(call: Call) -> list[Operator]:
    """Return all operators by address."""
    with call.parts.store.reading() as connection:
        return [_operator(one) for one in accounts.listed(connection)]


def list_invitations(call: Call) -> list[Invitation]:
    """Return the invitations that can still be used."""
    with call.parts.store.reading() as connection:
        found = links.open_links(connection, links.INVITATION, call.now_unix_s)
    return [
        Invitation(one.email, one.name, one.role, one.made_by, one.expires_unix_s) for one in found
    ]


def invite(call: Call) -> OneTimeLink:
    """Make a link by which one person becomes an operator."""
    wanted: NewInvitation = call.body
    role = known_role(wanted.role, "body.role")
    email = _email(wanted.email)
    link = Link(
        links.INVITATION,
        email=email,
        name=accounts.as_name(wanted.name, "") if wanted.name else "",
        role=role,
        made_by=call.actor.name,
        expires_unix_s=call.now_unix_s + INVITED_S,
    )
    with call.parts.store.writing(is_durable=True) as connection:
        if accounts.by_email(connection, email) is not None:
            raise AccountError("this address has an account already")
        token = links.make(connection, link, call.now_unix_s)
        call.audit(connection, "invite", "operator", email, Change(None, {"role": role}))
    return OneTimeLink(
        f"{call.parts.identity.site.origin}/join/{token}", email, link.expires_unix_s
    )


def withdraw(call: Call) -> None:
    """Take an invitation back."""
    email = call.path["email"].lower()
    with call.parts.store.writing(is_durable=True) as connection:
        if not links.withdraw(connection, links.INVITATION, email):
            raise NoAccountError("there is no open invitation for this address")
        call.audit(connection, "withdraw_invitation", "operator", email, Change())


def change_operator(call: Call) -> Operator:
    """Give another role, disable, or enable again."""
    wanted: OperatorChange = call.body
    with call.parts.store.writing(is_durable=True) as connection:
        before = _account(call, accounts.by_email(connection, call.path["email"]))
        after = before
        if wanted.role is not None:
            role = known_role(wanted.role, "body.role")
            after = accounts.set_role(connection, before.id, role, keep=OWNER)
        if wanted.is_disabled and not before.disabled_unix_s:
            after = accounts.disable(connection, before.id, call.now_unix_s, keep=OWNER)
        elif wanted.is_disabled is False:
            after = accounts.enable(connection, before.id)
        change = Change(_told(before), _told(after))
        call.audit(connection, "change", "operator", before.email, change)
    return _operator(after)


def make_reset_link(call: Call) -> OneTimeLink:
    """Make a link by which an operator sets another password, within a day."""
    expires_unix_s = call.now_unix_s + RESET_S
    with call.parts.store.writing(is_durable=True) as connection:
        account = _account(call, accounts.by_email(connection, call.path["email"]))
        link = Link(
            links.RESET,
            email=account.email,
            account=account.id,
            made_by=call.actor.name,
            expires_unix_s=expires_unix_s,
        )
        token = links.make(connection, link, call.now_unix_s)
        call.audit(connection, "reset_link", "operator", account.email, Change())
    origin = call.parts.identity.site.origin
    return OneTimeLink(f"{origin}/reset/{token}", account.email, expires_unix_s)


def known_role(text: str, param: str) -> str:
    """Return a role's word; raises InvalidError if it is none."""
    if text not in ROLES:
        raise InvalidError(f"{text[:40]!r} is not a role: one of {', '.join(ROLES)}", param)
    return text


def _email(text: str) -> str:
    try:
        return accounts.as_email(text)
    except AccountError as error:
        raise InvalidError(error.message, "body.email") from error


def _account(call: Call, found: Account | None) -> Account:
    if found is None:
        raise NoAccountError(f"there is no operator {call.path['email']!r}")
    return found


def _told(account: Account) -> dict[str, object]:
    return {"role": account.role, "is_disabled": bool(account.disabled_unix_s)}


def _operator(account: Account) -> Operator:
    return Operator(
        account.email,
        account.name,
        account.role,
        account.has_password,
        account.created_unix_s,
        account.seen_unix_s,
        account.disabled_unix_s,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/operators",
        summary="List operators",
        tag="operators",
        role=Role.VIEWER,
        handler=list_operators,
        answer=list[Operator],
    ),
    Endpoint(
        method="GET",
        path="/operators/invitations",
        summary="List open invitations",
        tag="operators",
        role=Role.VIEWER,
        handler=list_invitations,
        answer=list[Invitation],
    ),
    Endpoint(
        method="POST",
        path="/operators/invitations",
        summary="Invite an operator by a link that works once",
        tag="operators",
        role=Role.OWNER,
        handler=invite,
        answer=OneTimeLink,
        body=NewInvitation,
        status=201,
        raises=(AccountError,),
    ),
    Endpoint(
        method="DELETE",
        path="/operators/invitations/{email}",
        summary="Take an invitation back",
        tag="operators",
        role=Role.OWNER,
        handler=withdraw,
        answer=None,
        raises=(NoAccountError,),
    ),
    Endpoint(
        method="PATCH",
        path="/operators/{email}",
        summary="Change an operator's role, or disable it",
        tag="operators",
        role=Role.OWNER,
        handler=change_operator,
        answer=Operator,
        body=OperatorChange,
        raises=(NoAccountError, AccountError),
    ),
    Endpoint(
        method="POST",
        path="/operators/{email}/reset-link",
        summary="Make a link by which an operator sets another password",
        tag="operators",
        role=Role.OWNER,
        handler=make_reset_link,
        answer=OneTimeLink,
        status=201,
        raises=(NoAccountError, AccountError),
    ),
)
