/* What the mock upstream and the load generator share: clock, sockets, a byte buffer. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define NEVER INT64_MAX

/* Monotonic nanoseconds; one clock for both programs, so a stamp can be compared. */
static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline void die(const char *what) {
    perror(what);
    exit(2);
}

/* Thousands of sockets, and timers that fire when they say (the default slack is 50 us). */
static inline void prepare_process(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_TIMERSLACK, 1);
}

static inline void set_nodelay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

/*
 * Whether to look again and again instead of sleeping. To write to a process that sleeps costs the
 * writer its waking, several microseconds in a virtual machine. A fast proxy never meets a sleeper
 * and a slow one does with every write, so that it would look slower than it is.
 */
static bool awake;

static inline int look_at_events(int ep, struct epoll_event *events, int max, int64_t until_ns) {
    for (;;) {
        int n = epoll_wait(ep, events, max, 0);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        if (n > 0) return n;
        if (until_ns != NEVER && now_ns() >= until_ns) return 0;
        sched_yield(); /* generator and mock share a core */
    }
}

/* Wait until `until_ns` (NEVER: without end) or the first event. */
static inline int wait_events(int ep, struct epoll_event *events, int max, int64_t until_ns) {
    if (awake) return look_at_events(ep, events, max, until_ns);
    struct timespec timeout, *given = NULL;
    if (until_ns != NEVER) {
        int64_t left = until_ns - now_ns();
        if (left < 0) left = 0;
        timeout.tv_sec = left / NS_PER_S;
        timeout.tv_nsec = left % NS_PER_S;
        given = &timeout;
    }
    int n = epoll_pwait2(ep, events, max, given, NULL);
    if (n < 0 && errno != EINTR) die("epoll_pwait2");
    return n < 0 ? 0 : n;
}

/* A growing buffer: bytes [from, to) are waiting. */
struct buffer {
    char *bytes;
    size_t from, to, room;
};

static inline size_t buffer_len(const struct buffer *b) { return b->to - b->from; }

/* Make room for `more` bytes and a closing NUL behind `to`. */
static inline void buffer_reserve(struct buffer *b, size_t more) {
    if (b->from == b->to) b->from = b->to = 0;
    if (b->to + more + 1 <= b->room) return;
    if (b->from > 0) {
        memmove(b->bytes, b->bytes + b->from, buffer_len(b));
        b->to -= b->from;
        b->from = 0;
    }
    while (b->to + more + 1 > b->room) b->room = b->room ? b->room * 2 : 2048;
    b->bytes = realloc(b->bytes, b->room);
    if (!b->bytes) die("realloc");
}

static inline void buffer_append(struct buffer *b, const char *bytes, size_t len) {
    buffer_reserve(b, len);
    memcpy(b->bytes + b->to, bytes, len);
    b->to += len;
}

static inline void buffer_free(struct buffer *b) {
    free(b->bytes);
    memset(b, 0, sizeof *b);
}

/* A min-heap of instants; each item remembers its place so that it can be taken out. */
struct timer {
    int64_t due_ns;
    int place; /* -1: not waiting */
    void *owner;
};

struct heap {
    struct timer **items;
    int len, room;
};

static inline void heap_put(struct heap *h, int i, struct timer *t) {
    h->items[i] = t;
    t->place = i;
}

static inline void heap_up(struct heap *h, int i) {
    struct timer *t = h->items[i];
    for (; i > 0 && h->items[(i - 1) / 2]->due_ns > t->due_ns; i = (i - 1) / 2)
        heap_put(h, i, h->items[(i - 1) / 2]);
    heap_put(h, i, t);
}

static inline void heap_down(struct heap *h, int i) {
    struct timer *t = h->items[i];
    for (;;) {
        int child = 2 * i + 1;
        if (child >= h->len) break;
        if (child + 1 < h->len && h->items[child + 1]->due_ns < h->items[child]->due_ns) child++;
        if (h->items[child]->due_ns >= t->due_ns) break;
        heap_put(h, i, h->items[child]);
        i = child;
    }
    heap_put(h, i, t);
}

static inline void heap_add(struct heap *h, struct timer *t, int64_t due_ns) {
    if (h->len == h->room) {
        h->room = h->room ? h->room * 2 : 256;
        h->items = realloc(h->items, (size_t)h->room * sizeof *h->items);
        if (!h->items) die("realloc");
    }
    t->due_ns = due_ns;
    heap_put(h, h->len++, t);
    heap_up(h, t->place);
}

static inline void heap_remove(struct heap *h, struct timer *t) {
    int i = t->place;
    if (i < 0) return;
    t->place = -1;
    struct timer *last = h->items[--h->len];
    if (last == t) return;
    heap_put(h, i, last);
    heap_up(h, i);
    heap_down(h, last->place);
}

static inline int64_t heap_next_ns(const struct heap *h) {
    return h->len ? h->items[0]->due_ns : NEVER;
}

#endif
