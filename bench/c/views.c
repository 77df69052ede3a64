/* Views of one page: N connections, each with its next GET at once, for so many seconds.
 *
 *   views PORT PATH CONNECTIONS SECONDS [HEADER]
 *
 * Every answer must be 200 and whole, and as long as the first one (chunked: end as they should).
 * Prints one line of JSON: views, errors, seconds, body bytes, p50 and p99 in microseconds. */
#include "common.h"

#define SLOT_US 20
#define SLOTS 100000
#define REQUEST_MAX 2048

struct connection {
    int fd;
    int64_t sent_ns;
    struct buffer in;
};

static char request[REQUEST_MAX];
static size_t request_len;
static int64_t slots[SLOTS];
static int64_t views, errors, first_bytes = -1;

static void send_request(struct connection *c) {
    c->sent_ns = now_ns();
    if (write(c->fd, request, request_len) != (ssize_t)request_len) die("write");
}

static void open_connection(struct connection *c, int port, int ep) {
    struct sockaddr_in at = loopback(port);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0) die("connect");
    set_nodelay(c->fd);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
    send_request(c);
}

/* Return the length of a whole answer's body, -1 while it is not whole, -2 if it is wrong. */
static int64_t body_of(struct connection *c) {
    char *start = c->in.bytes + c->in.from;
    c->in.bytes[c->in.to] = 0;
    char *end = strstr(start, "\r\n\r\n");
    if (!end) return -1;
    if (strncmp(start, "HTTP/1.1 200", 12) != 0) return -2;
    int64_t have = (c->in.bytes + c->in.to) - (end + 4);
    *end = 0;
    char *length = strcasestr(start, "\r\ncontent-length:");
    bool is_chunked = strcasestr(start, "\r\ntransfer-encoding: chunked") != NULL;
    *end = '\r';
    if (length) {
        int64_t told = atoll(length + strlen("\r\ncontent-length:"));
        return have < told ? -1 : have == told ? told : -2;
    }
    if (!is_chunked) return -2;
    if (have < 5 || memcmp(c->in.bytes + c->in.to - 5, "0\r\n\r\n", 5) != 0) return -1;
    return have;
}

static void take(struct connection *c) {
    int64_t body = body_of(c);
    if (body == -1) return;
    if (first_bytes < 0) first_bytes = body;
    if (body < 0 || body != first_bytes) errors++;
    views++;
    int64_t slot = (now_ns() - c->sent_ns) / 1000 / SLOT_US;
    slots[slot < SLOTS ? slot : SLOTS - 1]++;
    c->in.from = c->in.to = 0;
    send_request(c);
}

static void read_some(struct connection *c) {
    for (;;) {
        buffer_reserve(&c->in, 65536);
        ssize_t n = read(c->fd, c->in.bytes + c->in.to, 65536);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            fprintf(stderr, "the server hung up\n");
            exit(2);
        }
        c->in.to += (size_t)n;
        take(c);
        if (n < 65536) return;
    }
}

static int64_t quantile_us(double share) {
    int64_t wanted = (int64_t)((double)views * share), seen = 0;
    for (int i = 0; i < SLOTS; i++)
        if ((seen += slots[i]) > wanted) return (int64_t)i * SLOT_US;
    return (int64_t)SLOTS * SLOT_US;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: views PORT PATH CONNECTIONS SECONDS [HEADER]\n");
        return 2;
    }
    prepare_process();
    int port = atoi(argv[1]), many = atoi(argv[3]);
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n%s%s\r\n",
                     argv[2], port, argc > 5 ? argv[5] : "", argc > 5 ? "\r\n" : "");
    if (n < 0 || n >= (int)sizeof request) die("request");
    request_len = (size_t)n;
    int ep = epoll_create1(0);
    struct connection *all = calloc((size_t)many, sizeof *all);
    if (ep < 0 || !all) die("epoll_create1");
    int64_t began_ns = now_ns(), ends_ns = began_ns + (int64_t)(atof(argv[4]) * (double)NS_PER_S);
    for (int i = 0; i < many; i++) open_connection(&all[i], port, ep);
    struct epoll_event events[256];
    while (now_ns() < ends_ns) {
        int ready = wait_events(ep, events, 256, ends_ns);
        for (int i = 0; i < ready; i++) read_some(events[i].data.ptr);
    }
    double took_s = (double)(now_ns() - began_ns) / (double)NS_PER_S;
    printf("{\"views\":%lld,\"errors\":%lld,\"seconds\":%.3f,\"bytes\":%lld,"
           "\"p50_us\":%lld,\"p99_us\":%lld}\n",
           (long long)views, (long long)errors, took_s, (long long)first_bytes,
           (long long)quantile_us(0.5), (long long)quantile_us(0.99));
    return errors ? 1 : 0;
}
