"""Evidence gathered: probes, the counters of the gateway, the pages of providers; and judged."""
