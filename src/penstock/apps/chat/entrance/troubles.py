"""What the page of the log-in says when a way in fails: which one, in a sentence, and what works.

It is said from what is known at that moment: nothing is asked for a page.
"""

from penstock.apps.chat.entrance.door import ChatDoor
from penstock.identity.oidc import Provider


class Troubles:
    """Finds the words. Owned by one event loop."""

    def __init__(self, door: ChatDoor, provider: Provider | None) -> None:
        self._door = door
        self._provider = provider

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways in that fail now, as people know them."""
        found: list[str] = []
        if self._provider is not None and self._provider.trouble:
            found.append(self._door.chat.oidc.name)
        if self._door.is_busy() or self._door.failed("password"):
            found.append("password")
        return tuple(found)

    def __call__(self) -> list[str]:
        """Return a sentence for each way in that fails now."""
        found: list[str] = []
        if self._provider is not None and self._provider.trouble:
            found.append(
                f"Log-in with {self._door.chat.oidc.name} fails, as {self._provider.trouble}: "
                f"log in {self._others()}."
            )
        if self._door.is_busy():
            found.append(
                "So many people log in by password that some have to try again after some "
                "seconds: a passkey opens at once."
            )
        elif self._door.failed("password"):
            found.append("Log-in by password fails, as nothing can be written: try again later.")
        if self._door.chat.guests and self._door.failed("guests"):
            found.append("Guests cannot come in, as nothing can be written: try again later.")
        return found

    def _others(self) -> str:
        if self._door.chat.guests:
            return "by password or passkey, or come in as a guest"
        return "by password or passkey"
