"""The control process: operator API, console, ledger, publisher of snapshots."""
