"""A server's connection without a socket: what is asserted there needs no time to pass."""

from tests.wire.loopback import DeafTransport, QueueLoop, Recorder

from penstock.config.model import ServerLimits
from penstock.wire.server import Server, ServerConnection

HOST = b"host: here\r\n"


def offline(
    handler: Recorder | None = None, limits: ServerLimits | None = None
) -> tuple[ServerConnection, DeafTransport, Recorder]:
    """Return a connection that is not connected."""
    handler = handler or Recorder()
    server = Server(QueueLoop(), handler, limits or ServerLimits())
    connection, transport = ServerConnection(server), DeafTransport()
    connection.connection_made(transport)
    return connection, transport, handler


def feed(connection: ServerConnection, data: bytes) -> None:
    """Bring bytes, and let the loop do what it was asked to."""
    connection.data_received(data)
    turn_queue(connection)


def turn_queue(connection: ServerConnection) -> None:
    """Let the loop do what it was asked to."""
    loop = connection.server.loop
    assert isinstance(loop, QueueLoop)
    loop.drain()
