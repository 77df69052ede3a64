"""What the configuration file says of the status page, and of what is watched.

Secrets only by reference: the name of a variable, or a file of mode 0600.
"""

import enum

from penstock.config.struct import Struct


class IncidentPolicy(enum.Enum):
    """What becomes of an incident that the evidence opens."""

    DRAFT = "draft"  # an operator publishes it; components change their state at once all the same
    PUBLISH = "publish"  # it is published as soon as the verdict is a problem


class Status(Struct, frozen=True, kw_only=True):
    """The status process: public page, user reports, probes, incidents, subscriptions."""

    is_enabled: bool = True  # false: whoever runs it elsewhere
    host: str = "127.0.0.1"  # who opens it to a network does so knowingly
    port: int = 8403
    hosts: tuple[str, ...] = ()  # names beside its own: NAME behind TLS, or http://NAME:PORT
    name: str = "Penstock"  # of the page: whose status it is
    public_url: str = ""  # where people see the page: in links, feeds, mails; empty: its own host
    time_zone: str = "Etc/UTC"  # that the page's API names; times are in UTC everywhere
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For is true
    incidents: IncidentPolicy = IncidentPolicy.PUBLISH
    drafts_possible: bool = False  # drafts also of what is no more than possible
    takes_reports: bool = True  # "is it down for you?"
    takes_subscriptions: bool = True
    shows_drills: bool = True  # that a drill is on, where an operator announces it
    subscribers_may_be_private: bool = False  # webhooks in private networks too, over plain HTTP
    site_dir: str = ""  # where the static site is written; empty: site/ in the state directory
    push_command: tuple[str, ...] = ()  # run after each change; the site's folder is appended
    push_within_s: float = 60.0  # then it is ended; the next change tries again
    admin_url: str = ""  # the gateway's admin port, where it is not this configuration's
    control_url: str = ""  # control's API, for credits and budgets; empty: the one that up started
    control_token_file: str = ""  # an API token of control's, role viewer, in a file of mode 0600
    reports_days: int = 3  # the words of user reports; counts stay
    history_days: int = 430  # incidents, intervals and sums; a year's comparison, and more


class Surface(enum.Enum):
    """What people use."""

    WEB = "web"  # web chat
    LOGIN = "login"
    API = "api"
    STREAMING = "streaming"
    CONSOLE = "console"
    CODING = "coding"
    BATCH = "batch"


class Component(Struct, frozen=True, kw_only=True):
    """One line of the status page. Without any, they are made from routes and upstreams."""

    name: str
    group: str = ""  # lines of the same group stand together
    description: str = ""
    surface: Surface | None = None  # what people use; else what its routes or upstreams are
    routes: tuple[str, ...] = ()  # whose exchanges it is measured by; a surface without: all
    upstreams: tuple[str, ...] = ()  # whose attempts it is measured by
    models: tuple[str, ...] = ()  # of these upstreams only; * at the end matches a family
    provider: str = ""  # whose models these are: anthropic, openai; empty: the upstream's dialect's
    is_shared: bool = False  # what several others rest on: a CDN, a network
    only_show_if_degraded: bool = False


class ProbeKind(enum.Enum):
    """What a probe does."""

    API = "api"  # a short answer from an upstream or route, streamed to its last event
    HTTP = "http"  # a GET, whose status and text are looked at
    LOGIN = "login"  # a fresh log-in by form, with a session that must hold
    CHAT = "chat"  # log-in, a message, its answer to the last token
    HEALTH = "health"  # one state of a document that tells of several, as /health of the chat
    NAME = "name"  # a look-up of a name, and a TLS handshake


class Probe(Struct, frozen=True, kw_only=True):
    """A synthetic request, made again and again. Routes get one of themselves without any."""

    name: str
    kind: ProbeKind
    components: tuple[str, ...] = ()  # names of components that it speaks for
    interval_s: float = 15.0  # four a minute find a whole outage within one
    timeout_s: float = 12.0
    slow_s: float = 5.0  # to the first token, or for the whole answer; later is slow
    upstream: str = ""  # with api: asked directly, past the gateway
    route: str = ""  # with api: asked through the gateway
    dialect: str = ""  # with api and a route: how it is asked; empty: openai_chat
    model: str = ""  # with api and an upstream; empty: that of its first route
    is_canary: bool = True  # with api: the answer is looked at too
    url: str = ""  # with http, health, login, chat (both: of its log-in), name
    expects: str = ""  # with http: a text that the answer holds; with health: the name of the state
    user: str = ""  # with login and chat
    password_env: str = ""  # with login and chat: the variable's name
    password_file: str = ""  # with login and chat: a file of mode 0600
    budget_usd_day: float = 1.0  # with api and chat; once spent it says unknown until the next day
    may_be_private: bool = True  # an operator's own address, over plain HTTP too


class PageKind(enum.Enum):
    """How a provider's status page is read."""

    STATUSPAGE = "statuspage"  # Statuspage API v2, also as incident.io serves it
    FEED = "feed"  # RSS or Atom
    GOOGLE = "google"  # incidents.json of Google Cloud
    BETTER_STACK = "better_stack"  # index.json
    INSTATUS = "instatus"  # summary.json
    ONLINE_OR_NOT = "online_or_not"


class ProviderPage(Struct, frozen=True, kw_only=True):
    """A provider's own status page, read politely: evidence among others, never a verdict."""

    name: str
    provider: str  # whose models it speaks of
    kind: PageKind
    url: str  # with statuspage: that of the page; else of the document
    interval_s: float = 60.0
    components: tuple[str, ...] = ()  # names on that page that matter; empty: all


class Watching(Struct, frozen=True, kw_only=True):
    """How the watch judges. The defaults are what the published figures were measured with."""

    slow_s: float = 10.0  # an exchange whose first token comes later is slow
    poll_s: float = 5.0  # between two looks at the gateway's counters
    finds_probes: bool = True  # of routes and models that have none: at most $0.25 a day in all
