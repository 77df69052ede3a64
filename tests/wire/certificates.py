"""TLS for tests: contexts of a made-up authority."""

import ssl
import tempfile
from pathlib import Path

import trustme


def server_tls(ca: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    """Return a server's context with a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        ca.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(path)
        context.load_cert_chain(path)
    return context


def client_tls(ca: trustme.CA) -> ssl.SSLContext:
    """Return a client's context that trusts this authority alone."""
    return ssl.create_default_context(cadata=ca.cert_pem.bytes().decode())
