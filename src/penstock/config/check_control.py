"""What is wrong with ``[control]`` and ``[traces]``.

    host          a name or an address
    hosts         NAME, where a proxy speaks https for it, or http://NAME:PORT; without a path
    database_url  of PostgreSQL, or empty; never with the password in it
    log-in        hours and minutes of at least 1; OpenID needs an issuer by TLS, and our id there
    retention     at least 1 day; minutes long enough for the longest window of a burn rate
    traces        a URL

Pure, as ``check`` is.
"""

from collections.abc import Iterator
from typing import Final

from penstock.config import addresses
from penstock.config.model import Config
from penstock.config.operations import Control, Retention
from penstock.core.errors import Problem

SCHEMES: Final = ("postgresql", "postgres", "postgresql+psycopg")
MINUTES_DAYS_MIN: Final = 4  # burn rates look back three days
SECRETS: Final = ("database_password", "oidc_client_secret")


def problems(config: Config) -> Iterator[Problem]:
    """Yield every contradiction: where it is, what is wrong, what would be right."""
    control = config.control
    yield from addresses.listening("control", control.host)
    yield from addresses.hosts("control", control.hosts, "console.example.org:8402")
    yield from _database(control)
    yield from _log_in(control)
    for name in SECRETS:
        if getattr(control, f"{name}_env") and getattr(control, f"{name}_file"):
            yield Problem(f"control.{name}_file", f"{name}_env is set too", "keep one of them")
    yield from _retention(control.retention)
    if config.traces.endpoint and not addresses.is_web(addresses.split(config.traces.endpoint)):
        remedy = "such as http://127.0.0.1:4318/v1/traces, or empty"
        yield Problem("traces.endpoint", f"{config.traces.endpoint!r} is not a URL", remedy)


def warnings(config: Config) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    if config.control.host not in addresses.LOOPBACK:
        remedy = "keep it on 127.0.0.1, end TLS in front of it, and put that name into hosts"
        yield Problem("control.host", "log-ins of operators travel in clear", remedy)


def _database(control: Control) -> Iterator[Problem]:
    place = "control.database_url"
    if not control.database_url:
        if control.database_password_env or control.database_password_file:
            yield Problem(place, "is empty, and there is a password for it", "add it")
        return
    url = addresses.split(control.database_url)
    if url is None or url.scheme not in SCHEMES:  # not quoted: there may be a password in it
        remedy = "postgresql://USER@HOST/NAME, or empty for SQLite in the state directory"
        yield Problem(place, "is not a URL of PostgreSQL", remedy)
    elif url.password or "password=" in url.query:
        remedy = "take it out, and name it in database_password_env or database_password_file"
        yield Problem(place, "holds the password", remedy)


def _log_in(control: Control) -> Iterator[Problem]:
    for name in ("session_hours", "session_idle_minutes"):
        if (given := getattr(control, name)) < 1:
            yield Problem(f"control.{name}", f"is {given}", "at least 1")
    if not control.oidc_issuer:
        if control.oidc_client_id:
            yield Problem("control.oidc_issuer", "is empty, and oidc_client_id is set", "add it")
        return
    url = addresses.split(control.oidc_issuer)
    if not addresses.is_safe(url) or not addresses.is_web(url):
        remedy = "https://..., as your provider's own pages write it"
        yield Problem("control.oidc_issuer", "is not a URL with https", remedy)
    if not control.oidc_client_id:
        remedy = "add the id that the provider has given to Penstock"
        yield Problem("control.oidc_client_id", "is missing", remedy)


def _retention(retention: Retention) -> Iterator[Problem]:
    for name in retention.__struct_fields__:
        least = MINUTES_DAYS_MIN if name == "minutes_days" else 1
        if (given := getattr(retention, name)) < least:
            yield Problem(f"control.retention.{name}", f"is {given}", f"at least {least}")
