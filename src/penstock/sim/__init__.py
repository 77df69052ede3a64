"""The simulator: the gateway's own admission in virtual time, before modelled upstreams."""
