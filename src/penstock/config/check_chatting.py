"""What is wrong with ``[chat]``.

    places      a host; hosts and URLs that are some; proxies by address or network
    models      routes that there are, with plain names; auto is one of them, or any route
    log-in      an issuer by TLS, with our id there and one reference to the secret; days of at
                least 1, idle not longer than whole; somebody must be able to come in
    bounds      above 0; one file fits what a person may keep, an answer fits its wait

Pure, as ``check`` is.
"""

from collections.abc import Iterator
from typing import Final

from penstock.config import addresses, naming
from penstock.config.chatting import Chat, Oidc, SignUp
from penstock.config.model import Config
from penstock.core.errors import Problem

NAME_CHARS_MAX: Final = 80
PROMPT_CHARS_MAX: Final = 100_000  # a book's chapter; it goes before each conversation
DAYS_MAX: Final = 400  # browsers keep no cookie for longer
FILE_BYTES_MAX: Final = 100 * 1024 * 1024  # more than any provider takes, and all in memory
FILES_MAX: Final = 64
MESSAGE_CHARS_MAX: Final = 2_000_000  # two bodies of requests
GROUP_S_MAX: Final = 1.0  # more would not be read as it comes
COUNTS: Final = ("guest_messages_day", "session_days", "session_idle_days")


def problems(config: Config) -> Iterator[Problem]:
    """Yield every contradiction: where it is, what is wrong, what would be right."""
    chat = config.chat
    yield from addresses.listening("chat", chat.host)
    yield from addresses.hosts("chat", chat.hosts, "chat.example.org:8404")
    yield from addresses.proxies("chat", chat.trusted_proxies)
    yield from addresses.url("chat.gateway_url", chat.gateway_url)
    yield from addresses.url("chat.status_url", chat.status_url)
    yield from _words(chat)
    yield from _models(config)
    yield from _log_in(chat)
    yield from _bounds(chat)


def warnings(config: Config) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    chat = config.chat
    if not chat.is_enabled:
        return
    if chat.host not in addresses.LOOPBACK:
        remedy = "keep it on 127.0.0.1, end TLS in front of it, and put that name into hosts"
        yield Problem("chat.host", "what people say and their log-ins travel in clear", remedy)
    yield from addresses.trusting("chat", chat.trusted_proxies, "where a log-in comes from")
    if chat.hosts and not chat.trusted_proxies:
        remedy = "name the proxy: else all people share its address, and its limits"
        yield Problem("chat.trusted_proxies", "is empty, and hosts are set", remedy)
    if chat.gateway_url and not chat.gateway_key_file:
        remedy = "add it, unless this configuration's gateway is there"
        yield Problem("chat.gateway_key_file", "is empty, and gateway_url is set", remedy)


def _words(chat: Chat) -> Iterator[Problem]:
    for place, name in (("chat.name", chat.name), ("chat.oidc.name", chat.oidc.name)):
        if not name.strip() or len(name) > NAME_CHARS_MAX:
            yield Problem(place, "is not a name for people", f"1 to {NAME_CHARS_MAX} characters")
    if len(chat.system_prompt) > PROMPT_CHARS_MAX:
        words = f"has {len(chat.system_prompt)} characters"
        yield Problem("chat.system_prompt", words, f"at most {PROMPT_CHARS_MAX}")


def _models(config: Config) -> Iterator[Problem]:
    """Yield which routes there are not; where there are none, they are made at the start."""
    routes = [one.name for one in config.routes]
    chat = config.chat
    yield from naming.all_known("chat.models", "route", chat.models, routes)
    for at, name in enumerate(chat.models):
        if "*" in name:
            remedy = "name what it stands for: people choose from whole names"
            yield Problem(f"chat.models[{at}]", f"{name!r} is no name of one model", remedy)
        elif name in chat.models[:at]:
            yield Problem(f"chat.models[{at}]", f"{name!r} is there twice", "remove one of them")
    if chat.auto:
        yield from naming.all_known("chat.auto", "route", (chat.auto,), routes)


def _log_in(chat: Chat) -> Iterator[Problem]:
    if chat.session_idle_days > chat.session_days:
        words = f"is {chat.session_idle_days}, longer than session_days"
        yield Problem("chat.session_idle_days", words, f"at most {chat.session_days}")
    if chat.session_days > DAYS_MAX:
        remedy = f"at most {DAYS_MAX}: browsers keep no cookie for longer"
        yield Problem("chat.session_days", f"is {chat.session_days}", remedy)
    yield from _oidc(chat.oidc)
    has_provider = bool(chat.oidc.issuer) and chat.oidc.makes_accounts
    if chat.sign_up is SignUp.CLOSED and not has_provider and not chat.guests:
        remedy = "set [chat.oidc], or sign_up to invited or open, or guests"
        yield Problem("chat.sign_up", "is closed, and there is no other way to an account", remedy)


def _oidc(oidc: Oidc) -> Iterator[Problem]:
    if oidc.client_secret_env and oidc.client_secret_file:
        place = "chat.oidc.client_secret_file"
        yield Problem(place, "client_secret_env is set too", "keep one of them")
    if not oidc.issuer:
        if oidc.client_id:
            yield Problem("chat.oidc.issuer", "is empty, and client_id is set", "add it")
        return
    issuer = addresses.split(oidc.issuer)
    if not addresses.is_safe(issuer) or not addresses.is_web(issuer):
        remedy = "https://..., as your provider's own pages write it"
        yield Problem("chat.oidc.issuer", "is not a URL with https", remedy)
    if not oidc.client_id:
        remedy = "add the id that the provider has given to Penstock"
        yield Problem("chat.oidc.client_id", "is missing", remedy)


def _bounds(chat: Chat) -> Iterator[Problem]:
    for name in COUNTS:
        if (given := getattr(chat, name)) < 1:
            yield Problem(f"chat.{name}", f"is {given}", "at least 1")
    for name, most in (
        ("message_chars_max", MESSAGE_CHARS_MAX),
        ("file_bytes_max", FILE_BYTES_MAX),
        ("files_message_max", FILES_MAX),
    ):
        if (given := getattr(chat, name)) > most:
            yield Problem(f"chat.{name}", f"is {given}", f"at most {most}")
    if chat.files_account_bytes_max < chat.file_bytes_max:
        words = f"is {chat.files_account_bytes_max}, less than one file may have"
        yield Problem("chat.files_account_bytes_max", words, f"at least {chat.file_bytes_max}")
    if chat.group_s > GROUP_S_MAX:
        remedy = f"at most {GROUP_S_MAX:g}: people read as it comes"
        yield Problem("chat.group_s", f"is {chat.group_s:g}", remedy)
