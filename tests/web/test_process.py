"""The socket that processes with pages listen on."""

import socket

from penstock.web import process


def test_answers_are_not_held_back_until_their_head_is_acknowledged() -> None:
    with process.listen("test", "127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
