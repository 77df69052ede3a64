"""All peers in the order of the table, and their installation: ``python bench/peers.py [name]``."""

import sys

from gateways import LiteLlm, Portkey, SglangRouter, TensorZero, VllmRouter
from host import BUILD, BenchError
from peer import Peer
from penstock_peer import InterpretedPenstock, PenstockPeer, WholePenstock
from proxies import Envoy, Floor, Haproxy, Nginx

PEERS: tuple[type[Peer], ...] = (
    PenstockPeer,
    InterpretedPenstock,
    WholePenstock,
    Floor,
    Nginx,
    Haproxy,
    Envoy,
    VllmRouter,
    SglangRouter,
    TensorZero,
    Portkey,
    LiteLlm,
)


def install(peer: Peer) -> str:
    """Install a peer; return why it cannot be had, or nothing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        peer.install()
        return "" if peer.version() else "it does not tell its version"
    except (BenchError, OSError) as error:
        return str(error)


def main() -> int:
    """Install the peers named on the command line, or all."""
    chosen = sys.argv[1:]
    missing = 0
    for make in PEERS:
        peer = make()
        if chosen and peer.name not in chosen:
            continue
        print(f"bench: installing {peer.title} ...", flush=True)
        problem = install(peer)
        print(f"bench: {peer.title} {problem or peer.version()}", flush=True)
        missing += bool(problem)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
