"""The processes: each composes the layers below; none imports another."""
