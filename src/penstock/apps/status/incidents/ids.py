"""Ids of incidents and updates: opaque, made by chance, never told twice."""

import secrets

from penstock.apps.status.components import ALPHABET, ID_LENGTH


def fresh() -> str:
    """Return a new id: 12 lower-case letters and digits, 62 bits of chance."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
