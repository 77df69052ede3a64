/*
 * Reads one HTTP/1.1 answer, in any pieces: head, then a body by length, by chunks, or to the end
 * of the connection; hands the decoded body on as lines. Strict where it matters: a body that ends
 * early is an error.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include "common.h"

enum part { PART_HEAD, PART_LENGTH, PART_CHUNK_SIZE, PART_CHUNK, PART_CHUNK_END, PART_TRAILER,
            PART_TO_EOF, PART_DONE };

enum { HEAD_MAX = 64 << 10, LINE_MAX_BYTES = 4 << 20 };

struct answer {
    enum part part;
    int status;
    bool close_after;
    size_t left; /* bytes of this body or chunk still to come */
    struct buffer head, line;
};

typedef void (*line_fn)(void *owner, const char *line, size_t len);

static inline void answer_reset(struct answer *a) {
    a->part = PART_HEAD;
    a->status = 0;
    a->close_after = false;
    a->left = 0;
    a->head.from = a->head.to = a->line.from = a->line.to = 0;
}

static inline bool header_has(const char *head, const char *name, const char *value) {
    const char *at = strcasestr(head, name);
    const char *end = at ? strstr(at + 2, "\r\n") : NULL;
    const char *found = at ? strcasestr(at, value) : NULL;
    return found && end && found < end;
}

static inline void answer_flush_line(struct answer *a, line_fn on_line, void *owner) {
    if (buffer_len(&a->line) == 0) return;
    on_line(owner, a->line.bytes + a->line.from, buffer_len(&a->line));
    a->line.from = a->line.to = 0;
}

static inline void answer_lines(struct answer *a, const char *bytes, size_t len, line_fn on_line,
                                void *owner) {
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        if (!end) {
            buffer_append(&a->line, bytes, len);
            return;
        }
        size_t n = (size_t)(end - bytes);
        if (buffer_len(&a->line) == 0) {
            on_line(owner, bytes, n);
        } else {
            buffer_append(&a->line, bytes, n);
            answer_flush_line(a, on_line, owner);
        }
        bytes += n + 1;
        len -= n + 1;
    }
}

/* Understand the head that lies complete in `a->head`. */
static inline const char *answer_begin_body(struct answer *a) {
    const char *head = a->head.bytes;
    if (sscanf(head, "HTTP/1.%*d %d", &a->status) != 1) return "not an HTTP answer";
    if (a->status == 100) {
        a->head.from = a->head.to = 0;
        return NULL;
    }
    a->close_after = header_has(head, "\r\nconnection:", "close");
    const char *length = strcasestr(head, "\r\ncontent-length:");
    if (header_has(head, "\r\ntransfer-encoding:", "chunked")) {
        a->part = PART_CHUNK_SIZE;
    } else if (length) {
        a->left = strtoul(length + 17, NULL, 10);
        a->part = a->left ? PART_LENGTH : PART_DONE;
    } else {
        a->part = PART_TO_EOF;
        a->close_after = true;
    }
    return NULL;
}

/* Append up to the end of a line to `a->head`; true once the line is complete. */
static inline bool answer_take_line(struct answer *a, const char **bytes, size_t *len) {
    const char *end = memchr(*bytes, '\n', *len);
    size_t n = end ? (size_t)(end - *bytes) + 1 : *len;
    buffer_append(&a->head, *bytes, n);
    a->head.bytes[a->head.to] = 0;
    *bytes += n;
    *len -= n;
    return end != NULL;
}

static inline const char *answer_small_part(struct answer *a, const char **bytes, size_t *len) {
    if (buffer_len(&a->head) > HEAD_MAX) return "head too large";
    if (!answer_take_line(a, bytes, len)) return NULL;
    const char *text = a->head.bytes + a->head.from;
    size_t have = buffer_len(&a->head);
    if (a->part == PART_HEAD) {
        if (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) return NULL;
        const char *problem = answer_begin_body(a);
        a->head.from = a->head.to = 0;
        return problem;
    }
    if (a->part == PART_CHUNK_SIZE) {
        char *end;
        a->left = strtoul(text, &end, 16);
        if (end == text) return "bad chunk size";
        a->part = a->left ? PART_CHUNK : PART_TRAILER;
    } else if (a->part == PART_CHUNK_END) {
        if (have != 2) return "bad chunk end";
        a->part = PART_CHUNK_SIZE;
    } else if (have <= 2) {
        a->part = PART_DONE;
    }
    a->head.from = a->head.to = 0;
    return NULL;
}

/* Feed received bytes. Returns NULL, or what is wrong with them. */
static inline const char *answer_feed(struct answer *a, const char *bytes, size_t len,
                                      line_fn on_line, void *owner) {
    while (len > 0) {
        if (a->part == PART_DONE) return "bytes after the answer";
        if (a->part == PART_LENGTH || a->part == PART_CHUNK || a->part == PART_TO_EOF) {
            size_t n = a->part == PART_TO_EOF || a->left > len ? len : a->left;
            answer_lines(a, bytes, n, on_line, owner);
            if (buffer_len(&a->line) > LINE_MAX_BYTES) return "line too long";
            bytes += n;
            len -= n;
            if (a->part == PART_TO_EOF || (a->left -= n) > 0) continue;
            a->part = a->part == PART_CHUNK ? PART_CHUNK_END : PART_DONE;
        } else {
            const char *problem = answer_small_part(a, &bytes, &len);
            if (problem) return problem;
        }
    }
    if (a->part == PART_DONE) answer_flush_line(a, on_line, owner);
    return NULL;
}

/* The connection has ended. Returns NULL if the answer may end so. */
static inline const char *answer_eof(struct answer *a, line_fn on_line, void *owner) {
    if (a->part != PART_TO_EOF) return "connection ended inside the answer";
    answer_flush_line(a, on_line, owner);
    a->part = PART_DONE;
    return NULL;
}

#endif
