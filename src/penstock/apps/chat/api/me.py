"""Who is in, what they may do, and what they have chosen."""

from typing import Any, Final

import msgspec

from penstock.apps.chat import memberships
from penstock.apps.chat.call import Call
from penstock.apps.chat.identity import Role as Kind
from penstock.apps.chat.memberships import SETTINGS_BYTES_MAX
from penstock.apps.chat.shapes import AUTO, Me, Model
from penstock.config.model import Config
from penstock.identity import accounts
from penstock.web.endpoint import Endpoint, InvalidError, Role


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person has chosen anew; null forgets, what is left out stays."""

    settings: dict[str, Any]


def show(call: Call) -> Me:
    """Return who is in."""
    with call.parts.store.reading() as connection:
        account = accounts.by_id(connection, call.actor.account)
        member = memberships.of(connection, account.id)
    chat = call.parts.config.chat
    return Me(
        account=account.id,
        name=account.name,
        email=account.address,
        tier=member.tier,
        is_guest=account.role == Kind.GUEST.value,
        is_admin=account.role == Kind.ADMIN.value,
        models=_known(call),
        message_chars_max=chat.message_chars_max,
        file_bytes_max=chat.file_bytes_max,
        files_message_max=chat.files_message_max,
        status_url=call.parts.room.status_url() if call.parts.room else "",
        settings=memberships.settings_of(member),
    )


def change(call: Call) -> Me:
    """Keep settings."""
    given: Change = call.body
    with call.parts.store.writing() as connection:
        kept = memberships.settings_of(memberships.of(connection, call.actor.account))
        kept |= given.settings
        kept = {name: value for name, value in kept.items() if value is not None}
        if len(msgspec.json.encode(kept)) > SETTINGS_BYTES_MAX:
            raise InvalidError(f"more than {SETTINGS_BYTES_MAX} bytes of settings", "body.settings")
        memberships.set_settings(connection, call.actor.account, kept)
    return show(call)


def models(config: Config) -> tuple[Model, ...]:
    """Return what can be chosen: "auto", and each route that the chat offers."""
    plain = tuple(one.name for one in config.routes if "*" not in one.name)
    offered = tuple(one for one in config.chat.models or plain if one != AUTO)
    return (Model(AUTO, "Auto"), *(Model(one, one) for one in offered))


def _known(call: Call) -> tuple[Model, ...]:
    """Return what can be chosen, with how it is."""
    found = models(call.parts.config)
    room = call.parts.room
    if room is None:
        return found
    return tuple(msgspec.structs.replace(one, state=room.model_state(one.id)) for one in found)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/me",
        summary="Show who is in",
        tag="account",
        role=Role.VIEWER,
        handler=show,
        answer=Me,
    ),
    Endpoint(
        method="PATCH",
        path="/me",
        summary="Keep settings",
        tag="account",
        role=Role.VIEWER,
        handler=change,
        answer=Me,
        body=Change,
    ),
)
