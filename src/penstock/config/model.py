"""The configuration file, field for field.

Frozen structs, unknown keys forbidden, every bound with a default and its reason, secrets only by
reference (the name of a variable or of a file). What the file says is checked in ``check.py``.
"""

import enum

import msgspec

from penstock.config.chatting import Chat
from penstock.config.operations import Alerts, Control, Objective, Traces
from penstock.config.struct import Struct
from penstock.config.watching import Component, Probe, ProviderPage, Status, Watching
from penstock.dialects.capability import Engine, Prefill, Thinking

OWN_KEYS_BEGIN = "pk-"  # the keys that callers get from us


class Feature(enum.Enum):
    """What a request may need of an upstream."""

    TOOLS = "tools"
    IMAGES = "images"
    DOCUMENTS = "documents"
    STRUCTURED_OUTPUT = "structured_output"


class Policy(enum.Enum):
    """How a route chooses among its targets."""

    ORDER = "order"  # the first that is free and healthy
    WEIGHT = "weight"  # by chance, in proportion to the weights
    LOAD = "load"  # the less loaded of two picked by chance (peak EWMA)


class OnBreak(enum.Enum):
    """What becomes of a stream that breaks after content has gone out."""

    ERROR = "error"  # an error event, and no clean end
    CONTINUE = "continue"  # another upstream goes on where it broke, if that can be done well


class DialectName(enum.Enum):
    """The wire formats that an upstream can speak."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI_GENERATE = "gemini_generate"


class ServerLimits(Struct, frozen=True, kw_only=True):
    """What one caller's connection may take of us. Zero never means without limit."""

    head_bytes_max: int = 32 * 1024  # nginx: 4 x 8 KiB; agents send long lists of beta flags
    body_bytes_max: int = 32 * 1024 * 1024  # the documented limit of the Claude API
    head_s: float = 10.0  # from a request's first byte to the end of its head
    body_s: float = 60.0  # nginx: client_body_timeout
    idle_s: float = 75.0  # nginx: keepalive_timeout
    write_s: float = 60.0  # nginx: send_timeout, how long a reader may read nothing
    connections_max: int = 10_000  # two sockets each must fit under a common limit of 65,536
    write_buffer_bytes: int = 64 * 1024  # asyncio's own high-water mark


class Log(Struct, frozen=True, kw_only=True):
    """What the gateway writes to standard error: JSON, one line an exchange at most."""

    sample_ratio: float = 0.0  # share of good exchanges; failed and failed-over ones always
    file_bytes_max: int = 16 * 1024 * 1024  # under ``penstock up``, which cuts it to its end then


class Spool(Struct, frozen=True, kw_only=True):
    """The gateway's append-only record on disk."""

    segment_bytes: int = 8 * 1024 * 1024  # one file; a reader deletes whole files
    bytes_max: int = 4 * 1024 * 1024 * 1024  # about ten million exchanges; then they are counted


class Keep(Struct, frozen=True, kw_only=True):
    """Answers kept in memory for callers who come back: `Idempotency-Key`, `"store": true`.

    What is full is not kept, and the answer says so; a restart forgets all.
    """

    is_enabled: bool = True  # false: the header and store are ignored, and answers say so
    exchanges_max: int = 10_000  # about 2 KB each beside its answer; 16 a second at window_s
    bytes_max: int = 256 * 1024 * 1024  # of all answers; the oldest are dropped first
    exchange_bytes_max: int = 8 * 1024 * 1024  # 32,000 tokens at 250 bytes an event
    window_s: float = 600.0  # after the end: the SDKs' default timeout, so a last retry finds it
    orphan_s: float = 60.0  # nobody reads: a client's restart fits, and then it only costs


class Gateway(Struct, frozen=True, kw_only=True):
    """The gateway process and its two ports."""

    host: str = "127.0.0.1"  # who opens it to a network does so knowingly
    port: int = 8400  # all dialects on one port
    admin_host: str = "127.0.0.1"  # it has no log-in
    admin_port: int = 8401  # health and metrics
    tls_cert_file: str = ""  # PEM, with the chain; empty: plain HTTP
    tls_key_file: str = ""  # PEM; both or neither
    workers: int = 1  # processes on the one port; more than one share their limits exactly
    exchanges_max: int = 5_000  # in flight at once, of a worker: about 60 MB at 12 KB a stream
    drain_s: float = 30.0  # Kubernetes' default grace period
    allow_live_drills: bool = False  # an operator may let it fail on purpose, within a blast radius
    limits: ServerLimits = ServerLimits()
    log: Log = Log()
    spool: Spool = Spool()
    keep: Keep = Keep()


class Timeouts(Struct, frozen=True, kw_only=True):
    """The limits in time of an exchange and of its attempts, all in seconds."""

    connect_s: float = 5.0  # the SDKs' own
    first_token_s: float = 60.0  # to the first content of a stream; keep-alives do not count
    between_tokens_s: float = 60.0  # silence in the middle of an answer
    unary_s: float = 300.0  # to the first byte of an answer that is not streamed
    total_s: float = 600.0  # the whole exchange, all attempts together: the SDKs' default
    queue_s: float | None = None  # for an upstream to become free; none: by tier, `[admission]`
    hang_s: float = 10.0  # a caller who leaves after waiting this long for nothing: a timeout


class TimeoutOverrides(Struct, frozen=True, kw_only=True):
    """A route's own limits in time; what is absent is taken from ``[timeouts]``."""

    connect_s: float | None = None
    first_token_s: float | None = None
    between_tokens_s: float | None = None
    unary_s: float | None = None
    total_s: float | None = None
    queue_s: float | None = None
    hang_s: float | None = None


class Breaker(Struct, frozen=True, kw_only=True):
    """When a circuit breaker opens, and how it comes back; one for each upstream and model."""

    window_s: float = 10.0  # what is older no longer counts
    failures_min: float = 5.0  # a weight: an overload counts half
    failure_ratio: float = 0.5  # and this share of all attempts: both are reached
    cooldown_s: float = 5.0  # doubled each time that a probe fails
    cooldown_max_s: float = 10.0  # after a long outage, back within twenty seconds (TIERING 10)
    probes_to_close: int = 3  # one at a time; one good answer may be luck


class Retry(Struct, frozen=True, kw_only=True):
    """How much may be tried again."""

    budget_ratio: float = 0.1  # of attempts (TIERING 2)
    floor_per_s: float = 10.0  # so that little traffic can be tried again too
    attempts_max: int = 4  # an exchange: three upstreams and one repeat


class QueueWaits(Struct, frozen=True, kw_only=True):
    """How long an exchange of each tier may wait for an upstream, in seconds; then it is shed.

    What would wait longer is refused when it comes. A route's own `queue_s` outranks this.
    """

    control: float = 30.0
    enterprise: float = 10.0  # or its deadline for the first token
    standard: float = 5.0  # TIERING 3.5
    free: float = 8.0  # TIERING 3.5: people leave after 10 to 15
    batch: float = 120.0  # minutes; clients of batch work wait


class Ladder(Struct, frozen=True, kw_only=True):
    """What is taken from free and batch exchanges, level by level, before users are refused.

    1: retries and hedges. 2: long answers. 3: longer ones yet, larger models where a route has
    degraded targets, and all streams of a user but one. 4: the wait is told. 5: new sessions, as
    many as there is no room for; whoever is in a session keeps its ticket.
    """

    is_enabled: bool = True  # else consumers are refused by their queue alone, in mid-session too
    entries: tuple[float, float, float, float, float] = (0.70, 0.86, 0.92, 0.96, 1.00)  # of levels
    up_s: float = 2.0  # how long it must be fuller than a level's entry (TIERING 4)
    down_s: float = 10.0  # or emptier, by 0.05; and between two moves (TIERING 4)
    output_tokens_caps: tuple[int, int] = (256, 128)  # of an answer from level 2, 3; 0: none
    ticket_s: float = 300.0  # after a session's last turn; then it is a new one (TIERING 4)
    tickets_max: int = 100_000  # about 30 MB; beyond it the one that ends first is gone


class Admission(Struct, frozen=True, kw_only=True):
    """Who waits for an upstream, how long, and in which order."""

    queue_wait_max_s: QueueWaits = QueueWaits()
    queue_max: int = 20_000  # exchanges that wait for one upstream; each holds about 12 KB
    enterprise_wait_s: float = 0.25  # wait at p99 that the reserve is sized for (TIERING 10)
    reserve: int | None = None  # slots kept free for enterprise; none: follows the measured load
    preempts: bool = True  # for a contract a free attempt may be put aside before its first byte
    floor_ratio: float = 0.02  # of grants, kept for free while enterprise waits within its budget
    batch_ratio: float = 0.8  # of the slots that batch may fill
    lifo_after_s: float = 4.0  # the oldest free one waits longer: the newest is served first
    streams_per_user_max: int = 8  # of one consumer, those that wait included
    contracts_must_hold: bool = False  # else a warning: they survive the loss of an upstream
    ladder: Ladder = Ladder()


class TierHeaders(enum.Enum):
    """Routers in front of engines that hear in a header how urgent a request is."""

    LLM_D = "llm-d"
    SMG = "smg"


class Quota(Struct, frozen=True, kw_only=True):
    """What an upstream's account may use in a minute; its own headers correct it."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None  # input and output together, where they are one limit
    input_tokens_per_min: int | None = None
    output_tokens_per_min: int | None = None
    target_ratio: float = 0.95  # of it that we use: what others use with this key is not seen


class ModelOverrides(Struct, frozen=True, kw_only=True):
    """What a model accepts, where it differs from the [table](capabilities.md).

    `NAME` is the model's, or a prefix that ends in `*`. `penstock probe` measures it and writes
    these lines.
    """

    context_tokens_max: int | None = None  # 0: not known
    output_tokens_max: int | None = None  # Claude is told it where the caller names none
    prefill: Prefill | None = None  # what becomes of a last turn of the assistant
    tools: bool | None = None  # a request that has some goes elsewhere
    forced_tool: bool | None = None  # a call may be demanded
    named_tool: bool | None = None  # and the tool named; else it is the only one that is shown
    parallel_tools: bool | None = None  # may be told whether to make several calls at once
    sampling: bool | None = None  # temperature, top_p, top_k
    stop: bool | None = None  # stop sequences
    images: bool | None = None  # a request that has some goes elsewhere
    image_urls: bool | None = None  # else as data only
    documents: bool | None = None  # a request that has some goes elsewhere
    structured_output: bool | None = None  # JSON of a given schema
    json_mode: bool | None = None  # JSON of any schema
    efforts: tuple[str, ...] | None = None  # of reasoning, the lowest first
    thinking: Thinking | None = None  # how it is told to think
    later_system: bool | None = None  # instructions after a user turn
    signatures: bool | None = None  # calls in the history must bear the model's own
    developer_role: bool | None = None  # else it is told as system
    verbosity: bool | None = None  # can be told how much to say
    cache_points: bool | None = None  # a prompt cache can be told where to end
    names_completion_tokens: bool | None = None  # max_completion_tokens, else max_tokens
    stream_usage: bool | None = None  # may be asked for usage at the end of a stream


class Upstream(Struct, frozen=True, kw_only=True):
    """One place that can answer: an account and a region, or an engine of ours."""

    name: str  # stands in headers, metrics and records
    dialect: DialectName  # what it speaks; callers may speak another
    base_url: str  # as its own SDK takes it
    api_key_env: str = ""  # the variable's name; the key itself never enters the configuration
    api_key_file: str = ""  # a file of mode 0600 that holds the key and nothing else
    api_version: str = ""  # Anthropic: pins anthropic-version; otherwise the caller's goes on
    headers: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # added to each request; no secrets, no framing
    concurrency_max: int = 1000  # slots: attempts under way at once
    is_adaptive: bool = True  # fewer slots while it is overloaded, up to concurrency_max again
    itl_goal_s: float | None = None  # median time between tokens that it should keep; none: no goal
    quota: Quota = Quota()  # of its account; empty: what its headers say
    metrics_url: str = ""  # an engine's /metrics: vLLM, SGLang, llama.cpp
    idle_connections_max: int = 256  # kept open for the next attempt
    idle_s: float = 55.0  # below the 60 s after which common load balancers close
    head_bytes_max: int = 64 * 1024  # of an answer: providers send long lists of limits
    answer_bytes_max: int = 64 * 1024 * 1024  # one that is not streamed
    tls_ca_file: str = ""  # PEM; empty: the public ones
    stream_usage: bool = True  # OpenAI: may be asked for usage at the end of a stream
    engine: Engine | None = None  # what speaks OpenAI's dialect there, if it is not OpenAI
    passes_priority: bool = False  # vLLM, SGLang: orders by the field "priority", set by the tier
    tier_headers: TierHeaders | None = None  # a router: hears the tier in headers of its own
    models: dict[str, ModelOverrides] = msgspec.field(
        default_factory=dict
    )  # what they accept, where it is not as in the table
    sla: str = ""  # what its provider owes us by which calculator (`penstock report sla --help`)


class Target(Struct, frozen=True, kw_only=True):
    """One upstream and model behind a route."""

    upstream: str  # its name
    model: str = ""  # empty: the caller's model name is passed on
    weight: float = 1.0  # with policy "weight"
    context_tokens_max: int = 0  # 0: not known
    lacks: tuple[Feature, ...] = ()  # a request that needs it goes elsewhere
    is_degraded: bool = False  # a smaller model: asked first from level 3 of the ladder, else never


class Continuation(Struct, frozen=True, kw_only=True):
    """How an answer that broke is gone on with, where ``on_break`` says so."""

    prompt: str = ""  # what a model without prefill is told; {anchor} in it; empty: our own words
    holds_calls: bool = True  # tool calls go out when all of a turn are whole: half a one is lost
    held_bytes_max: int = 1024 * 1024  # more of them go out as they come
    hold_s: float = 60.0  # and so do those that take longer


class Route(Struct, frozen=True, kw_only=True):
    """What callers put into ``model``, and who can answer it.

    A name that ends in ``*`` is a prefix; the exact name wins, then the longest prefix.
    """

    name: str  # what callers put into "model"
    targets: tuple[Target, ...]
    policy: Policy = Policy.ORDER  # order: the first that is free and healthy
    timeouts: TimeoutOverrides = TimeoutOverrides()
    failover_on: tuple[str, ...] = ()  # kinds of failure; empty: all that another may help
    on_break: OnBreak = OnBreak.ERROR  # a request's x-penstock-on-break outranks it
    continuation: Continuation = Continuation()
    unary_hold_bytes_max: int = 4 * 1024 * 1024  # a longer whole answer goes out as it comes
    unary_via_stream: bool = False  # ask for a stream where the caller wants a whole answer
    keep_alive_s: float | None = None  # before the content; none: a failure keeps its status


class Emulate(Struct, frozen=True, kw_only=True):
    """The emulated providers that ``penstock up`` starts; no upstream of the file needs them."""

    is_enabled: bool = False  # without upstreams in the file, routes to them are made
    port: int = 8405  # on 127.0.0.1
    seed: int = 1  # the same seed and requests give the same answers
    is_text_shared: bool = False  # all models say the same: for tests of streams that change models


class Config(Struct, frozen=True, kw_only=True):
    """The whole file."""

    gateway: Gateway = Gateway()
    timeouts: Timeouts = Timeouts()
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    admission: Admission = Admission()
    upstreams: tuple[Upstream, ...] = ()
    routes: tuple[Route, ...] = ()
    emulate: Emulate = Emulate()
    control: Control = Control()
    objectives: tuple[Objective, ...] = ()
    alerts: Alerts = Alerts()
    traces: Traces = Traces()
    status: Status = Status()
    watch: Watching = Watching()
    components: tuple[Component, ...] = ()
    probes: tuple[Probe, ...] = ()
    provider_pages: tuple[ProviderPage, ...] = ()
    chat: Chat = Chat()
