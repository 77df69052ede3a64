/*
 * Mock upstream: OpenAI chat and Anthropic messages on HTTP/1.1 keep-alive.
 *
 *     mock PORT
 *
 * The path chooses the dialect (".../messages" is Anthropic), the body chooses unary or stream
 * ("stream":true). Everything else is set for all streams at once by
 *
 *     GET /bench?events=150&rate=20&idle=0&drain=0&fault=0&awake=0      (answers with the counters)
 *
 *     events  content events a stream; rate: events per second and stream, 0 = as fast as possible
 *     idle    1: a stream sends its first content event and then stays open and silent
 *     awake   1: look for requests again and again instead of sleeping until one comes
 *     drain   1: running streams end, properly, at their next beat
 *     fault   what the generator must notice: see enum fault
 *
 * One write per event. Each content event carries "@t=" and the nanosecond of its sending; the
 * last one carries "@n=" and the number of the stamped ones, so that a lost event shows.
 */
#include "common.h"

enum { EVENTS_PER_WAIT = 512, STREAM_BURST = 256, TEXT_MAX = 1024, REQUEST_MAX = 8 << 20 };
enum fault { FAULT_NONE, FAULT_STATUS, FAULT_TRUNCATE, FAULT_RESET, FAULT_LOSE, FAULT_NO_END };

struct settings {
    int events, idle, drain, fault;
    double rate;
};

struct conn {
    int fd;
    bool dead, want_out, close_after, streaming, anthropic;
    struct buffer in, out;
    int sent;
    int64_t beat_ns, next_ns;
    struct timer timer;
    struct conn *next_dead;
};

static struct settings set = {.events = 150, .rate = 20};
static struct heap beats;
static struct conn *dead_list;
static int ep;
static long accepted, requests, streams_open, events_sent;
static char unary_openai[4096], unary_anthropic[4096];
static size_t unary_openai_len, unary_anthropic_len;

static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "cache-control: no-cache\r\nx-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n";

/* ---- writing ---- */

static void conn_kill(struct conn *c) {
    if (c->dead) return;
    c->dead = true;
    heap_remove(&beats, &c->timer);
    if (c->streaming) streams_open--;
    close(c->fd);
    c->next_dead = dead_list;
    dead_list = c;
}

static void conn_watch(struct conn *c, bool out) {
    if (c->want_out == out) return;
    c->want_out = out;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void conn_write(struct conn *c, const char *bytes, size_t len) {
    if (c->dead) return;
    if (buffer_len(&c->out) == 0) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return conn_kill(c);
        if (n < 0) n = 0;
        if ((size_t)n == len) return;
        bytes += n;
        len -= (size_t)n;
    }
    buffer_append(&c->out, bytes, len);
    conn_watch(c, true);
}

/* One event, one chunk, one write; `last` appends the chunk that ends the body. */
static void emit(struct conn *c, const char *text, int len, bool last) {
    char framed[TEXT_MAX + 32];
    int n = snprintf(framed, sizeof framed, "%x\r\n%.*s\r\n%s", len, len, text,
                     last ? "0\r\n\r\n" : "");
    conn_write(c, framed, (size_t)n);
}

#define EMIT(c, last, ...)                                       \
    do {                                                         \
        char text_[TEXT_MAX];                                    \
        int len_ = snprintf(text_, sizeof text_, __VA_ARGS__);   \
        emit(c, text_, len_, last);                              \
    } while (0)

#define OPENAI_CHUNK                                                                     \
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","             \
    "\"created\":1764000000,\"model\":\"bench\","
#define CHOICE(delta, reason) \
    "\"choices\":[{\"index\":0,\"delta\":{" delta "},\"finish_reason\":" reason "}]}\n\n"
#define ANTHROPIC_DELTA                                                               \
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0," \
    "\"delta\":{\"type\":\"text_delta\",\"text\":\""

/* ---- streams ---- */

static void stream_content(struct conn *c) {
    long long stamp = now_ns();
    if (set.fault == FAULT_LOSE && c->sent == 1) {
        /* counted, never sent */
    } else if (c->anthropic) {
        EMIT(c, false, ANTHROPIC_DELTA "@t=%020lld and some words of an answer, so and so\"}}\n\n",
             stamp);
    } else {
        EMIT(c, false, OPENAI_CHUNK CHOICE("\"content\":\"@t=%020lld words\"", "null"), stamp);
    }
    c->sent++;
    events_sent++;
}

static void stream_end(struct conn *c) {
    c->streaming = false;
    streams_open--;
    if (set.fault == FAULT_RESET) {
        struct linger hard = {.l_onoff = 1};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        return conn_kill(c);
    }
    if (set.fault == FAULT_TRUNCATE) return conn_kill(c);
    if (set.fault == FAULT_NO_END) return conn_write(c, "0\r\n\r\n", 5);
    if (c->anthropic) {
        EMIT(c, false, ANTHROPIC_DELTA " @n=%d \"}}\n\n", c->sent);
        EMIT(c, false,
             "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
        EMIT(c, false,
             "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
             "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%d}}\n\n",
             c->sent);
        EMIT(c, true, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    } else {
        EMIT(c, false, OPENAI_CHUNK CHOICE("\"content\":\" @n=%d \"", "null"), c->sent);
        EMIT(c, false, OPENAI_CHUNK CHOICE("", "\"stop\""));
        EMIT(c, false,
             OPENAI_CHUNK "\"choices\":[],\"usage\":{\"prompt_tokens\":200,"
                          "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
             c->sent, c->sent + 200);
        EMIT(c, true, "data: [DONE]\n\n");
    }
}

static void stream_beat(struct conn *c) {
    if (c->sent >= set.events || (set.drain && c->sent > 0)) {
        stream_end(c);
        return;
    }
    stream_content(c);
    if (c->dead || set.idle) return;
    c->next_ns += c->beat_ns;
    if (buffer_len(&c->out) == 0) heap_add(&beats, &c->timer, c->next_ns);
    /* else the flush puts it back: a slow reader must not fill our memory */
}

static void stream_start(struct conn *c) {
    c->streaming = true;
    streams_open++;
    c->sent = 0;
    c->beat_ns = set.rate > 0 ? (int64_t)((double)NS_PER_S / set.rate) : 0;
    c->next_ns = now_ns();
    conn_write(c, STREAM_HEAD, sizeof STREAM_HEAD - 1);
    if (c->anthropic) {
        EMIT(c, false,
             "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"
             "\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\","
             "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
             "\"usage\":{\"input_tokens\":200,\"output_tokens\":1}}}\n\n");
        EMIT(c, false,
             "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
             "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    } else {
        EMIT(c, false,
             OPENAI_CHUNK CHOICE("\"role\":\"assistant\",\"content\":\"\"", "null"));
    }
    if (!c->dead) stream_beat(c);
}

/* ---- requests ---- */

static void unary_build(char *into, size_t *len, const char *before, const char *after) {
    char body[2048];
    int n = snprintf(body, sizeof body, "%s", before);
    while (n < 920) n += snprintf(body + n, sizeof body - (size_t)n, "an answer of many words, ");
    n += snprintf(body + n, sizeof body - (size_t)n, "@end@%s", after);
    *len = (size_t)sprintf(into,
                           "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                           "x-request-id: req_bench\r\ncontent-length: %d\r\n\r\n%s",
                           n, body);
}

static void unary_prepare(void) {
    unary_build(unary_openai, &unary_openai_len,
                "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1764000000,"
                "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                "\"assistant\",\"content\":\"",
                "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":200,"
                "\"completion_tokens\":150,\"total_tokens\":350}}");
    unary_build(unary_anthropic, &unary_anthropic_len,
                "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
                "\"bench\",\"content\":[{\"type\":\"text\",\"text\":\"",
                "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
                "\"usage\":{\"input_tokens\":200,\"output_tokens\":150}}");
}

static double query_value(const char *path, const char *name, double otherwise) {
    char key[32];
    snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(path, key);
    return at ? strtod(at + strlen(key), NULL) : otherwise;
}

static void answer_json(struct conn *c, const char *status, const char *body) {
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
                     "\r\n%s",
                     status, strlen(body), body);
    conn_write(c, text, (size_t)n);
}

static void answer_control(struct conn *c, const char *path) {
    char body[256];
    set.events = (int)query_value(path, "events", set.events);
    set.rate = query_value(path, "rate", set.rate);
    set.idle = (int)query_value(path, "idle", set.idle);
    awake = query_value(path, "awake", awake) != 0;
    set.drain = (int)query_value(path, "drain", set.drain);
    set.fault = (int)query_value(path, "fault", set.fault);
    snprintf(body, sizeof body,
             "{\"accepted\":%ld,\"requests\":%ld,\"streams_open\":%ld,\"events_sent\":%ld}",
             accepted, requests, streams_open, events_sent);
    answer_json(c, "200 OK", body);
}

static void answer(struct conn *c, const char *path, const char *body) {
    if (strncmp(path, "/bench", 6) == 0) return answer_control(c, path);
    if (strstr(path, "/models"))
        return answer_json(c, "200 OK",
                           "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\","
                           "\"created\":1764000000,\"owned_by\":\"bench\"}]}");
    c->anthropic = strstr(path, "/messages") != NULL;
    if (!c->anthropic && !strstr(path, "/completions"))
        return answer_json(c, "200 OK", "{\"status\":\"ok\"}"); /* health checks of the peers */
    requests++;
    if (set.fault == FAULT_STATUS)
        return answer_json(c, "500 Internal Server Error", "{\"error\":{\"message\":\"fault\"}}");
    if (strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true")) {
        stream_start(c);
    } else if (set.fault == FAULT_TRUNCATE) {
        conn_write(c, unary_openai, unary_openai_len - 300);
        conn_kill(c);
    } else if (c->anthropic) {
        conn_write(c, unary_anthropic, unary_anthropic_len);
    } else {
        conn_write(c, unary_openai, unary_openai_len);
    }
}

/* Length of the body behind the head, or -1 while it is not complete. */
static ssize_t body_length(const char *head, const char *body, size_t have) {
    const char *at = strcasestr(head, "\r\ncontent-length:");
    if (at && at < body) {
        size_t need = strtoul(at + 17, NULL, 10);
        return have >= need ? (ssize_t)need : -1;
    }
    at = strcasestr(head, "\r\ntransfer-encoding: chunked");
    if (!at || at >= body) return 0;
    const char *end = memmem(body, have, "0\r\n\r\n", 5);
    return end ? end + 5 - body : -1;
}

/* Take one complete request from the input; false when there is none. */
static bool take_request(struct conn *c) {
    char *start = c->in.bytes + c->in.from;
    size_t have = buffer_len(&c->in);
    char *head_end = have ? memmem(start, have, "\r\n\r\n", 4) : NULL;
    if (!head_end) return false;
    start[have] = 0;
    char *body = head_end + 4;
    ssize_t len = body_length(start, body, have - (size_t)(body - start));
    if (len < 0) return false;
    char kept = body[len];
    body[len] = 0;
    char *path = strchr(start, ' ');
    char *path_end = path ? strchr(path + 1, ' ') : NULL;
    if (!path_end) {
        conn_kill(c);
        return false;
    }
    *path_end = 0;
    answer(c, path + 1, body);
    body[len] = kept;
    c->in.from += (size_t)(body - start) + (size_t)len;
    return true;
}

static void conn_readable(struct conn *c) {
    for (;;) {
        buffer_reserve(&c->in, 4096);
        size_t room = c->in.room - c->in.to - 1;
        ssize_t n = recv(c->fd, c->in.bytes + c->in.to, room, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return conn_kill(c);
        if (n < 0) break;
        c->in.to += (size_t)n;
        if (buffer_len(&c->in) > REQUEST_MAX) return conn_kill(c);
        if ((size_t)n < room) break;
    }
    while (!c->dead && !c->streaming && take_request(c)) continue;
    if (!c->dead && c->streaming && set.idle) buffer_free(&c->in); /* thousands may be held */
}

static void conn_writable(struct conn *c) {
    ssize_t n = send(c->fd, c->out.bytes + c->out.from, buffer_len(&c->out), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return conn_kill(c);
    if (n > 0) c->out.from += (size_t)n;
    if (buffer_len(&c->out) > 0) return;
    conn_watch(c, false);
    if (c->streaming && !set.idle && c->timer.place < 0) heap_add(&beats, &c->timer, c->next_ns);
}

/* ---- the loop ---- */

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        set_nodelay(fd);
        struct conn *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        c->timer.place = -1;
        c->timer.owner = c;
        accepted++;
        struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0) die("epoll_ctl");
    }
}

static void run_beats(void) {
    int64_t now = now_ns();
    for (int i = 0; i < STREAM_BURST && heap_next_ns(&beats) <= now; i++) {
        struct timer *t = beats.items[0];
        heap_remove(&beats, t);
        stream_beat(t->owner);
    }
}

static void free_dead(void) {
    while (dead_list) {
        struct conn *c = dead_list;
        dead_list = c->next_dead;
        buffer_free(&c->in);
        buffer_free(&c->out);
        free(c);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = loopback(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) die("bind");
    if (listen(fd, 4096) < 0) die("listen");
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: mock PORT\n");
        return 2;
    }
    prepare_process();
    unary_prepare();
    int listener = listen_on(atoi(argv[1]));
    ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS_PER_WAIT];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &first);
    for (;;) {
        int n = wait_events(ep, events, EVENTS_PER_WAIT, heap_next_ns(&beats));
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            if (!c->dead && (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)))
                conn_readable(c);
            if (!c->dead && (events[i].events & EPOLLOUT)) conn_writable(c);
        }
        run_beats();
        free_dead();
    }
}
