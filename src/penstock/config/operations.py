"""What the configuration file says of operating: control, its database, objectives, alerts.

Secrets only by reference: the name of a variable, or a file of mode 0600.
"""

import enum

from penstock.config.struct import Struct


class Retention(Struct, frozen=True, kw_only=True):
    """How long the ledger keeps what it knows. Bodies are never stored."""

    exchanges_days: int = 30  # each exchange with its attempts; a dispute of a month's bill
    failures_days: int = 430  # attempts that failed: the evidence of a claim, as long as intervals
    minutes_days: int = 8  # sums a minute: burn rates look back three days, pages a week
    intervals_days: int = 430  # sums of five minutes: SLAs, and claims end in the second month
    hours_days: int = 430  # a year's comparison, and a month more
    days_days: int = 3650  # ten years: bookkeeping
    audit_days: int = 3650  # who changed what


class Control(Struct, frozen=True, kw_only=True):
    """The control process: operator API, console, ledger."""

    is_enabled: bool = (
        True  # false: whoever runs it elsewhere; the gateway serves its last snapshot
    )
    host: str = "127.0.0.1"  # who opens it to a network does so knowingly
    port: int = 8402
    hosts: tuple[str, ...] = ()  # names beside its own: NAME behind TLS, or http://NAME:PORT
    database_url: str = ""  # postgresql://USER@HOST/NAME without password; empty: SQLite in state
    database_password_env: str = ""  # the variable's name
    database_password_file: str = ""  # a file of mode 0600
    session_hours: int = 12  # of an operator who has logged in
    session_idle_minutes: int = 120  # without a request; then the log-in is over
    oidc_issuer: str = ""  # empty: no log-in by OpenID Connect
    oidc_client_id: str = ""
    oidc_client_secret_env: str = ""  # the variable's name
    oidc_client_secret_file: str = ""  # a file of mode 0600
    retention: Retention = Retention()


class Sli(enum.Enum):
    """What an objective measures."""

    AVAILABILITY = "availability"  # share of exchanges that were served, of those that count
    TTFT = "ttft"  # share of answers whose first token came within threshold_s
    SPEED = "speed"  # share of answers with at least threshold_per_s output tokens a second


class Objective(Struct, frozen=True, kw_only=True):
    """One service level objective. What is left out of the filter is not filtered."""

    name: str  # stands in alerts and metrics
    sli: Sli = Sli.AVAILABILITY
    target_ratio: float = 0.995  # of events that are good
    window_days: int = 30  # rolling
    threshold_s: float | None = None  # with ttft: within so long
    threshold_per_s: float | None = None  # with speed: at least so many tokens a second
    tenant: str = ""
    tier: str = ""
    route: str = ""
    upstream: str = ""  # then its attempts are measured, not exchanges
    events_min: int = 30  # in the short window; fewer raise no alert


class ReceiverKind(enum.Enum):
    """How a receiver is told."""

    WEBHOOK = "webhook"  # a signed JSON object
    SLACK = "slack"  # a text, as Slack's and Mattermost's incoming webhooks take it
    EMAIL = "email"


class Receiver(Struct, frozen=True, kw_only=True):
    """Whom alerts go to. URLs are secrets: whoever has them can write."""

    name: str
    kind: ReceiverKind
    url_env: str = ""  # of a webhook: the variable's name
    url_file: str = ""  # of a webhook: a file of mode 0600
    secret_env: str = ""  # a webhook's signature: the variable's name
    secret_file: str = ""  # a webhook's signature: a file of mode 0600
    to: tuple[str, ...] = ()  # of e-mail
    severities: tuple[str, ...] = ("page", "ticket")
    may_be_private: bool = False  # its address may lie in a private network, over plain HTTP too


class Smtp(Struct, frozen=True, kw_only=True):
    """The server that takes our mail."""

    host: str = ""  # empty: no mail
    port: int = 587
    is_tls: bool = True  # STARTTLS, or TLS from the start on port 465
    user: str = ""
    password_env: str = ""  # the variable's name
    password_file: str = ""  # a file of mode 0600
    sender: str = ""  # an address


class Alerts(Struct, frozen=True, kw_only=True):
    """Who is told when an objective burns."""

    receivers: tuple[Receiver, ...] = ()
    smtp: Smtp = Smtp()
    repeat_hours: float = 4.0  # while one lasts; Alertmanager's default


class Traces(Struct, frozen=True, kw_only=True):
    """Spans by OpenTelemetry, made from records, outside the pipe. Needs ``penstock[otel]``."""

    endpoint: str = ""  # OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; empty: none
    sample_ratio: float = 1.0  # of exchanges; those of callers that sample are always sent
    headers_env: str = (
        ""  # the variable's name; holds name=value pairs, as OTEL_EXPORTER_OTLP_HEADERS
    )
