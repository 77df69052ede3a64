"""What the configuration file says of the chat: who may come, what they may ask for, how much.

Secrets only by reference: the name of a variable, or a file of mode 0600.
"""

import enum
from typing import Final

from penstock.config.struct import Struct

# Whom the status page logs in as, to see that it can be done: made by the chat itself.
PROBE_USER: Final = "probe@probe.invalid"
PROBE_FILE: Final = "chat.probe"  # in the state directory, 0600: the password


class SignUp(enum.Enum):
    """Who may make an account."""

    OPEN = "open"  # whoever has an address
    INVITED = "invited"  # whoever has a link that an administrator has made
    CLOSED = "closed"  # nobody: accounts come from the identity provider alone


class Oidc(Struct, frozen=True, kw_only=True):
    """Log-in at an identity provider, beside passwords and passkeys."""

    issuer: str = ""  # empty: none
    name: str = "single sign-on"  # what the button calls it
    client_id: str = ""
    client_secret_env: str = ""  # the variable's name
    client_secret_file: str = ""  # a file of mode 0600
    makes_accounts: bool = True  # whom it vouches for gets an account


class Chat(Struct, frozen=True, kw_only=True):
    """The chat process: a web chat for people, with accounts and a database of its own."""

    is_enabled: bool = True  # false: whoever runs it elsewhere
    host: str = "127.0.0.1"  # who opens it to a network does so knowingly
    port: int = 8404
    hosts: tuple[str, ...] = ()  # names beside its own: NAME behind TLS, or http://NAME:PORT
    name: str = "Penstock chat"  # what people see
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For is true
    gateway_url: str = ""  # empty: the gateway of this configuration
    gateway_key_file: str = ""  # a key that may assert users, mode 0600; empty: the one of ``up``
    status_url: str = ""  # the status page that people see; empty: the one of this configuration
    models: tuple[str, ...] = ()  # routes to choose from; empty: all that have a plain name
    auto: str = ""  # the route of "auto"; empty: the first
    system_prompt: str = ""  # before each conversation's own
    sign_up: SignUp = SignUp.OPEN
    guests: bool = False  # whoever comes may chat without an account, for a day
    guest_messages_day: int = 10  # of one guest
    oidc: Oidc = Oidc()
    session_days: int = 90  # logged in for so long, whatever becomes of the identity provider
    session_idle_days: int = 30  # without a request; then the log-in is over
    message_chars_max: int = 100_000  # of one message; a book's chapter
    file_bytes_max: int = 20_000_000  # of an image or a PDF; providers take about as much
    files_message_max: int = 8
    files_account_bytes_max: int = 500_000_000  # of one person, in all
    conversations_max: int = 10_000  # of one person
    answers_running_max: int = 5  # of one person at once
    answers_waiting_max: int = 10_000  # in the waiting room; more are refused, and kept as drafts
    answer_tokens_max: int | None = None  # None: as the model has it
    group_s: float = 0.05  # deltas that come closer together go out as one; the first at once
    wait_max_s: float = 3600.0  # in the waiting room; then people are told, and asked again
