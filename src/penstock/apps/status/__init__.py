"""The status process: public page, user reports, probes, verdicts, incidents, subscriptions."""
