"""The record of every exchange: the gateway's spool."""
