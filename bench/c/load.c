/*
 * Load generator: sends one prepared request over and over and checks every answer.
 *
 *     load spin                         a fixed piece of work; prints its nanoseconds
 *     load closed|open|stream|idle      --port P --path /v1/... --body FILE [--header "a: b"]...
 *          --conns C --rate R --ramp S --warm S --secs S --step N --end openai|anthropic
 *          --status N    what every answer has to say: of a refusal nothing else is checked
 *          Eight at signs in a row in a header become the number of the request.
 *
 *     closed  C connections, each with the next request as soon as the last is answered
 *     open    R requests a second at fixed instants; latency counts from the planned instant
 *     stream  C connections, one stream after the other on each
 *     idle    opens C streams in steps of N, one step for each line on stdin, and holds them
 *
 * It prints "window start" and "window end" around what it measures, so that its parent can read
 * processor times, then one JSON object. Times are microseconds. Any answer that is not complete
 * and in order is an error; "first_error" says which came first.
 */
#include "answer.h"

enum mode { MODE_CLOSED, MODE_OPEN, MODE_STREAM, MODE_IDLE };
enum { CONNS_MAX = 16384, EVENTS_PER_WAIT = 512, READ_MAX = 256 << 10, BACKLOG_MAX = 1 << 16 };
static const int64_t STALL_NS = 500 * 1000000LL; /* ten beats of a stream at 20 events/s */
static const int64_t DRAIN_NS = 20 * NS_PER_S;

struct samples {
    int64_t *ns;
    size_t len, room;
};

struct conn {
    int fd; /* -1: not open */
    bool busy, connecting, counted_stall, ended, marked;
    size_t sent; /* bytes of the request */
    int64_t planned_ns, last_event_ns, last_stamp;
    long events, announced;
    struct answer answer;
    struct timer timer;
};

static struct {
    enum mode mode;
    int port, conns, step, status;
    double rate, ramp_s, warm_s, secs;
    const char *path, *body_file, *end;
    bool anthropic;
    struct buffer request;
} opt = {.mode = MODE_CLOSED, .conns = 64, .step = 100, .status = 200, .rate = 300, .ramp_s = 0.1, .warm_s = 1,
         .secs = 5, .path = "/v1/chat/completions", .end = "openai"};

static struct conn conns[CONNS_MAX];
static struct heap starts;
static int ep;
static bool measuring, stopping;
static long answered, events_seen, streams_done, errors, reconnects, stalls, held, late, in_flight;
static int64_t gap_max_ns;
static struct samples latency, first_event, stamps;
static char first_error[512];
static int64_t backlog[BACKLOG_MAX]; /* planned instants that found no free connection */
static int backlog_from, backlog_len;
static char *number_at; /* in the request, which goes out in one piece */
static long number;

/* ---- counting ---- */

static void sample_add(struct samples *s, int64_t ns) {
    if (s->len == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->ns = realloc(s->ns, s->room * sizeof *s->ns);
        if (!s->ns) die("realloc");
    }
    s->ns[s->len++] = ns;
}

static int compare_ns(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *s) {
    qsort(s->ns, s->len, sizeof *s->ns, compare_ns);
    printf("\"%s\":{\"count\":%zu", name, s->len);
    if (s->len > 0) {
        size_t last = s->len - 1;
        printf(",\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f",
               (double)s->ns[last / 2] / 1e3, (double)s->ns[last * 9 / 10] / 1e3,
               (double)s->ns[last * 99 / 100] / 1e3, (double)s->ns[last] / 1e3);
    }
    printf("},");
}

static void note_error(const char *what, const char *detail, size_t detail_len) {
    if (errors++ > 0) return;
    int n = snprintf(first_error, sizeof first_error, "%s: ", what);
    for (size_t i = 0; i < detail_len && n < (int)sizeof first_error - 1 && i < 300; i++) {
        char ch = detail[i];
        first_error[n++] = (ch < ' ' || ch == '"' || ch == '\\' || ch > '~') ? '.' : ch;
    }
    first_error[n] = 0;
}

/* ---- what a complete answer looks like ---- */

static void event_seen(struct conn *c, int64_t stamp) {
    int64_t now = now_ns();
    if (stamp < c->last_stamp) note_error("events out of order", "", 0);
    c->last_stamp = stamp;
    c->events++;
    if (c->events == 1) {
        held++;
        if (measuring) sample_add(&first_event, now - c->planned_ns);
    } else if (measuring && now - c->last_event_ns > gap_max_ns) {
        gap_max_ns = now - c->last_event_ns;
    }
    if (c->events > 1 && measuring && now - c->last_event_ns > STALL_NS && !c->counted_stall) {
        c->counted_stall = true;
        stalls++;
    }
    c->last_event_ns = now;
    if (!measuring) return;
    events_seen++;
    sample_add(&stamps, now - stamp);
}

static void on_line(void *owner, const char *line, size_t len) {
    struct conn *c = owner;
    if (c->answer.status != opt.status) note_error("body of an error", line, len);
    if (c->answer.status != 200) return;
    const char *at = memmem(line, len, "@t=", 3);
    if (at) event_seen(c, strtoll(at + 3, NULL, 10));
    at = memmem(line, len, "@n=", 3);
    if (at) c->announced = strtol(at + 3, NULL, 10);
    if (memmem(line, len, "@end@", 5)) c->marked = true;
    if (opt.anthropic ? len >= 19 && memcmp(line, "event: message_stop", 19) == 0
                      : len >= 12 && memcmp(line, "data: [DONE]", 12) == 0)
        c->ended = true;
}

static void check_answer(struct conn *c) {
    char detail[96];
    int n = snprintf(detail, sizeof detail, "status %d, %ld events of %ld", c->answer.status,
                     c->events, c->announced);
    if (c->answer.status != opt.status) note_error("bad status", detail, (size_t)n);
    else if (opt.status != 200) return;
    else if (opt.mode < MODE_STREAM && !c->marked) note_error("answer cut", detail, (size_t)n);
    else if (opt.mode >= MODE_STREAM && !c->ended) note_error("no terminator", detail, (size_t)n);
    else if (opt.mode >= MODE_STREAM && (c->events != c->announced || c->events == 0))
        note_error("events lost", detail, (size_t)n);
}

/* ---- connections ---- */

static void conn_close(struct conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->connecting = false;
}

static void conn_open(struct conn *c) {
    struct sockaddr_in at = loopback(opt.port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    set_nodelay(c->fd);
    c->connecting = true;
    if (connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0 && errno != EINPROGRESS)
        die("connect");
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data.ptr = c};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
}

static void conn_done(struct conn *c);

static void conn_fail(struct conn *c, const char *what) {
    note_error(what, errno ? strerror(errno) : "", errno ? strlen(strerror(errno)) : 0);
    conn_close(c);
    conn_done(c);
}

static void conn_send(struct conn *c) {
    const char *bytes = opt.request.bytes + c->sent;
    size_t len = opt.request.to - c->sent;
    if (len == 0) return;
    ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return conn_fail(c, "send failed");
    if (n > 0) c->sent += (size_t)n;
    if (c->sent < opt.request.to || !c->connecting) return;
    c->connecting = false;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void conn_start(struct conn *c, int64_t planned_ns) {
    c->busy = true;
    in_flight++;
    c->counted_stall = c->ended = c->marked = false;
    c->sent = 0;
    c->events = c->announced = c->last_stamp = 0;
    c->planned_ns = planned_ns;
    if (number_at) {
        number++;
        for (long at = 7, rest = number; at >= 0; at--, rest /= 10)
            number_at[at] = (char)('0' + rest % 10);
    }
    answer_reset(&c->answer);
    if (c->fd < 0) conn_open(c);
    else conn_send(c);
}

/* The exchange on `c` is over, well or badly: what comes next? */
static void conn_done(struct conn *c) {
    c->busy = false;
    in_flight--;
    if (opt.mode == MODE_IDLE || stopping) return;
    if (errors > 1000) stopping = true; /* nothing more to learn */
    if (opt.mode != MODE_OPEN) {
        heap_add(&starts, &c->timer, c->fd < 0 ? now_ns() + NS_PER_S / 100 : 0);
    } else if (backlog_len > 0) {
        int64_t planned = backlog[backlog_from];
        backlog_from = (backlog_from + 1) % BACKLOG_MAX;
        backlog_len--;
        conn_start(c, planned);
    }
}

static void answer_complete(struct conn *c) {
    int64_t now = now_ns();
    if (c->answer.close_after) {
        conn_close(c);
        reconnects++;
    }
    check_answer(c);
    if (measuring) {
        answered++;
        if (opt.mode >= MODE_STREAM) streams_done++;
        else sample_add(&latency, now - c->planned_ns);
    }
    conn_done(c);
}

static void conn_ended(struct conn *c) {
    if (!c->busy) { /* a kept connection that the other side gave up: legal */
        conn_close(c);
        reconnects++;
        return;
    }
    const char *problem = answer_eof(&c->answer, on_line, c);
    errno = 0;
    if (problem) return conn_fail(c, problem);
    answer_complete(c);
}

static void conn_readable(struct conn *c) {
    static char bytes[READ_MAX];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0 && !c->busy) n = 0;
    if (n < 0) return conn_fail(c, "receive failed");
    if (n == 0) return conn_ended(c);
    errno = 0;
    if (!c->busy) {
        note_error("bytes without a request", bytes, (size_t)n);
        return conn_close(c);
    }
    const char *problem = answer_feed(&c->answer, bytes, (size_t)n, on_line, c);
    if (problem) return conn_fail(c, problem);
    if (c->answer.part == PART_DONE) answer_complete(c);
}

/* ---- when to send ---- */

static struct conn *free_conn(void) {
    struct conn *closed = NULL;
    for (int i = 0; i < opt.conns; i++) {
        if (conns[i].busy) continue;
        if (conns[i].fd >= 0) return &conns[i];
        if (!closed) closed = &conns[i];
    }
    return closed;
}

static void open_loop_due(int64_t due_ns) {
    struct conn *c = free_conn();
    if (c) return conn_start(c, due_ns);
    late++;
    if (backlog_len == BACKLOG_MAX) return note_error("backlog full", "", 0);
    backlog[(backlog_from + backlog_len++) % BACKLOG_MAX] = due_ns;
}

static int64_t run_due(int64_t next_open_ns, int64_t beat_ns) {
    int64_t now = now_ns();
    while (!stopping && heap_next_ns(&starts) <= now) {
        struct timer *t = starts.items[0];
        heap_remove(&starts, t);
        conn_start(t->owner, now);
    }
    while (!stopping && next_open_ns <= now) {
        open_loop_due(next_open_ns);
        next_open_ns += beat_ns;
    }
    return next_open_ns;
}

static void poll_once(int64_t until_ns) {
    struct epoll_event events[EVENTS_PER_WAIT];
    int n = wait_events(ep, events, EVENTS_PER_WAIT, until_ns);
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (!c || c->fd < 0) continue;
        if ((events[i].events & EPOLLOUT) && c->busy) conn_send(c);
        if (c->fd >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT)) conn_readable(c);
    }
}

static void say(const char *text) {
    puts(text);
    fflush(stdout);
}

static double self_cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- the modes ---- */

static void run_timed(void) {
    int64_t begin = now_ns(), beat_ns = (int64_t)((double)NS_PER_S / opt.rate);
    int64_t ready = begin + (int64_t)((opt.ramp_s + opt.warm_s) * NS_PER_S);
    int64_t end = ready + (int64_t)(opt.secs * NS_PER_S), next_open = NEVER, start_ns = 0;
    double cpu = 0, wall = 0;
    if (opt.mode == MODE_OPEN) next_open = begin;
    for (int i = 0; i < opt.conns && opt.mode != MODE_OPEN; i++)
        heap_add(&starts, &conns[i].timer,
                 begin + (int64_t)(opt.ramp_s * NS_PER_S * i / opt.conns));
    for (;;) {
        int64_t now = now_ns();
        if (!measuring && !stopping && now >= ready) {
            say("window start");
            start_ns = now_ns();
            cpu = self_cpu_s();
            measuring = true;
        }
        if (measuring && (now >= end || stopping)) {
            measuring = false;
            stopping = true;
            wall = (double)(now_ns() - start_ns) / 1e9;
            cpu = self_cpu_s() - cpu;
            say("window end");
        }
        if (stopping && (in_flight == 0 || errors > 1000)) break;
        if (now > end + DRAIN_NS) {
            note_error("answers missing at the end", "", 0);
            break;
        }
        next_open = run_due(next_open, beat_ns);
        int64_t wake = measuring ? end : stopping ? end + DRAIN_NS : ready;
        if (heap_next_ns(&starts) < wake && !stopping) wake = heap_next_ns(&starts);
        if (next_open < wake && !stopping) wake = next_open;
        poll_once(wake);
    }
    printf("{\"window_s\":%.6f,\"generator_cpu_s\":%.6f,", wall, cpu);
}

static void run_idle(void) {
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    char line[64];
    for (int open = 0; open < opt.conns && fgets(line, sizeof line, stdin);) {
        int until = open + opt.step < opt.conns ? open + opt.step : opt.conns;
        int64_t give_up = now_ns() + 60 * NS_PER_S;
        while (held < until && errors == 0 && now_ns() < give_up) {
            for (int n = 0; open < until && open - held < 32 && n < 32; n++)
                conn_start(&conns[open++], now_ns());
            poll_once(now_ns() + NS_PER_S / 10);
        }
        if (held < until) note_error("streams missing", "", 0);
        printf("held %ld\n", held);
        fflush(stdout);
        if (errors) break;
    }
    if (fgets(line, sizeof line, stdin)) poll_once(now_ns() + NS_PER_S / 20);
    printf("{\"window_s\":0,\"generator_cpu_s\":0,");
    if (in_flight != held) note_error("streams ended while held", "", 0);
}

static int spin(void) {
    int64_t begin = now_ns();
    uint64_t x = 88172645463325252ULL;
    for (long i = 0; i < 15000000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    printf("{\"spin_ns\":%lld,\"x\":%u}\n", (long long)(now_ns() - begin), (unsigned)(x & 1));
    return 0;
}

/* ---- the command line ---- */

static void add_text(struct buffer *b, const char *text) { buffer_append(b, text, strlen(text)); }

static void build_request(const char *headers) {
    static char body[8 << 20];
    FILE *file = fopen(opt.body_file, "rb");
    if (!file) die(opt.body_file);
    size_t len = fread(body, 1, sizeof body, file);
    fclose(file);
    char line[256];
    snprintf(line, sizeof line,
             "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n"
             "user-agent: bench\r\naccept: */*\r\ncontent-length: %zu\r\n",
             opt.path, opt.port, len);
    add_text(&opt.request, line);
    add_text(&opt.request, headers);
    add_text(&opt.request, "\r\n");
    buffer_append(&opt.request, body, len);
    number_at = memmem(opt.request.bytes, opt.request.to, "@@@@@@@@", 8);
}

static enum mode mode_named(const char *name) {
    const char *names[] = {"closed", "open", "stream", "idle"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) return (enum mode)i;
    fprintf(stderr, "load: no mode named %s\n", name);
    exit(2);
}

static void read_options(int argc, char **argv) {
    static char headers[8192];
    opt.mode = mode_named(argv[1]);
    for (int i = 2; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--port") == 0) opt.port = atoi(value);
        else if (strcmp(name, "--path") == 0) opt.path = value;
        else if (strcmp(name, "--body") == 0) opt.body_file = value;
        else if (strcmp(name, "--conns") == 0) opt.conns = atoi(value);
        else if (strcmp(name, "--step") == 0) opt.step = atoi(value);
        else if (strcmp(name, "--status") == 0) opt.status = atoi(value);
        else if (strcmp(name, "--rate") == 0) opt.rate = atof(value);
        else if (strcmp(name, "--ramp") == 0) opt.ramp_s = atof(value);
        else if (strcmp(name, "--warm") == 0) opt.warm_s = atof(value);
        else if (strcmp(name, "--secs") == 0) opt.secs = atof(value);
        else if (strcmp(name, "--end") == 0) opt.anthropic = strcmp(value, "anthropic") == 0;
        else if (strcmp(name, "--header") == 0) {
            strncat(headers, value, sizeof headers - strlen(headers) - 1);
            strncat(headers, "\r\n", sizeof headers - strlen(headers) - 1);
        } else {
            fprintf(stderr, "load: no option named %s\n", name);
            exit(2);
        }
    }
    awake = opt.mode == MODE_CLOSED;
    if (opt.conns > CONNS_MAX) opt.conns = CONNS_MAX;
    build_request(headers);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "spin") == 0) return spin();
    prepare_process();
    read_options(argc, argv);
    ep = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < opt.conns; i++) {
        conns[i].fd = -1;
        conns[i].timer.place = -1;
        conns[i].timer.owner = &conns[i];
    }
    if (opt.mode == MODE_IDLE) run_idle();
    else run_timed();
    print_samples("latency_us", &latency);
    print_samples("first_event_us", &first_event);
    print_samples("stamp_us", &stamps);
    printf("\"answered\":%ld,\"events\":%ld,\"streams_done\":%ld,\"reconnects\":%ld,"
           "\"late\":%ld,\"stalls\":%ld,\"gap_max_ms\":%.3f,\"held\":%ld,\"errors\":%ld,"
           "\"first_error\":\"%s\"}\n",
           answered, events_seen, streams_done, reconnects, late, stalls,
           (double)gap_max_ns / 1e6, held, errors, first_error);
    return errors > 0;
}
