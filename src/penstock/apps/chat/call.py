"""One call of an endpoint of the chat process."""

from penstock.apps.chat.parts import Parts
from penstock.web import endpoint


class Call(endpoint.Call[Parts], frozen=True):
    """One call; ``actor.account`` is whose conversations are meant: there are no others.

    Roles: NOBODY has not come in; VIEWER is a person, guests included; OWNER is an administrator,
    who sees accounts and never what is said in them.
    """
