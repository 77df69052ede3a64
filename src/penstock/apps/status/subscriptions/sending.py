"""One message to one subscriber, in the form that its kind has.

    email     one mail for each subscriber, so that nobody sees another's address; it can be ended
              in one click from within the mail program (RFC 8058)
    webhook   Statuspage's v2 payloads, signed as Standard Webhooks has it; ``meta.unsubscribe`` is
              the link that ends it. One that is too large loses its oldest updates
    slack     the same words as a mail

Address, link and secret are opened for each try, and are in no log and in no error.
"""

import ssl
from collections.abc import Callable
from typing import Any, Final

import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.site import webhook_payloads
from penstock.apps.status.subscriptions import noticing, subscribing, telling
from penstock.apps.status.subscriptions.asking import Kind
from penstock.apps.status.subscriptions.sealing import Sealing
from penstock.apps.status.subscriptions.subscribing import Subscriber
from penstock.apps.status.view import ComponentView, IncidentView, View
from penstock.config import load
from penstock.core.errors import PenstockError
from penstock.notify import email, slack, webhook
from penstock.notify.message import Message
from penstock.notify.outbound import SENT_BYTES_MAX, Outbound, OutboundError
from penstock.watch.component import State

PATH: Final = "/subscription"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"


class StaleError(PenstockError):
    """There is nothing left to be told."""

    code = "nothing_to_tell"
    remedy = "Nothing is to be done."


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent now."""

    id: str
    what: str  # update, component, confirm, known
    notice: str
    incident: str = ""
    component: str = ""
    document: str = ""  # of a component: the change
    at_unix_s: float = 0.0  # of what is told
    subscriber: Subscriber


class Ways(msgspec.Struct, frozen=True):
    """How messages leave."""

    outbound: Callable[[bool], Outbound]  # told whether addresses may be private
    mail_tls: ssl.SSLContext | None = None  # none: the public authorities


def ways() -> Ways:
    """Return how messages leave in operation: what TLS trusts is read once."""
    tls = email.public_tls()
    return Ways(lambda may_be_private: Outbound(may_be_private=may_be_private, tls=tls), tls)


class Sending:
    """Sends. Owned by one event loop."""

    def __init__(self, parts: Parts, sealing: Sealing, ways: Ways) -> None:
        self._parts = parts
        self._sealing = sealing
        self._ways = ways

    def link(self, one: Subscriber) -> str:
        """Return where a subscriber changes or ends this."""
        token = self._sealing.opened(one.token, one.id)
        return f"{self._parts.reached_url}{PATH}/{token}"

    async def send(self, due: Due, view: View | None) -> None:
        """Send; raises OutboundError, StaleError or StoreError."""
        if due.subscriber.kind is Kind.WEBHOOK:
            await self._call(due, _seen(view))
            return
        message = self._message(due, view)
        words = telling.PAGE_WORDS
        if due.what == subscribing.CONFIRM:
            words = telling.CONFIRM_WORDS
        elif due.what == subscribing.KNOWN:
            words = telling.MANAGE_WORDS
        if due.subscriber.kind is Kind.SLACK:
            await self._chat(due, message, words)
        else:
            await self._mail(due, message, words)

    def _message(self, due: Due, view: View | None) -> Message:
        now_unix_s = self._parts.now_unix_s()
        name = self._parts.config.status.name
        if due.what == subscribing.CONFIRM:
            return telling.confirming(name, self.link(due.subscriber), due.id, now_unix_s)
        if due.what == subscribing.KNOWN:
            return telling.known(name, self.link(due.subscriber), due.id, now_unix_s)
        seen = _seen(view)
        if due.what == noticing.UPDATE:
            return telling.incident(seen, incident_of(seen, due), due.id, now_unix_s)
        old, new = _change(due)
        component = component_of(seen, due)
        return telling.component(seen, component, (old, new), due.id, due.at_unix_s)

    async def _mail(self, due: Due, message: Message, words: str) -> None:
        one = due.subscriber
        smtp = self._parts.config.alerts.smtp
        if not smtp.host:
            raise OutboundError("no mail server is configured")
        password = ""
        if smtp.password_env or smtp.password_file:
            what = "the mail server's password"
            password = load.referenced(smtp.password_env, smtp.password_file, what)
        link = self.link(one)
        is_asking = due.what == subscribing.CONFIRM
        dress = email.Dress(
            link_words=words,
            headers=(
                ("List-Unsubscribe", f"<{link}>"),
                ("List-Unsubscribe-Post", ONE_CLICK),
            ),
            foot="" if is_asking else telling.MANAGE_WORDS,
            foot_link="" if is_asking else link,
            can_press=False,
        )
        server = email.Server(smtp, password, self._ways.mail_tls)
        address = self._sealing.opened(one.address, one.id)
        await email.send(server, (address,), message, dress)

    async def _chat(self, due: Due, message: Message, words: str) -> None:
        if due.what not in (subscribing.CONFIRM, subscribing.KNOWN):
            foot = f"{telling.MANAGE_WORDS}: {self.link(due.subscriber)}"
            message = msgspec.structs.replace(message, lines=(*message.lines, foot))
        await slack.send(self._outbound(), self._address(due), message, words)

    async def _call(self, due: Due, view: View) -> None:
        now_unix_s = self._parts.now_unix_s()
        body = _fitting(self._payload, due, view)
        secret = self._sealing.webhook_secret(due.subscriber.id)
        headers = webhook.headers(secret, due.id, body, now_unix_s)
        webhook.accepted(await self._outbound().post(self._address(due), body, headers))

    def _payload(self, due: Due, view: View, updates_max: int) -> dict[str, Any]:
        unsubscribe, now_unix_s = self.link(due.subscriber), self._parts.now_unix_s()
        if due.what == noticing.UPDATE:
            whole = incident_of(view, due)
            incident = msgspec.structs.replace(whole, updates=whole.updates[:updates_max])
            return webhook_payloads.incident_payload(
                view, incident, unsubscribe=unsubscribe, generated_unix_s=now_unix_s
            )
        old, new = _change(due)
        state = State(new)
        component = msgspec.structs.replace(
            component_of(view, due), state=state, api_state=state, updated_unix_s=due.at_unix_s
        )
        return webhook_payloads.component_payload(
            view, component, (old, new), unsubscribe=unsubscribe, generated_unix_s=now_unix_s
        )

    def _outbound(self) -> Outbound:
        return self._ways.outbound(self._parts.config.status.subscribers_may_be_private)

    def _address(self, due: Due) -> str:
        return self._sealing.opened(due.subscriber.address, due.subscriber.id)


def incident_of(view: View, due: Due) -> IncidentView:
    """Return the incident that an update belongs to; raises StaleError."""
    for one in (*view.incidents, *view.maintenances):
        if one.id == due.incident and one.updates:
            return one
    raise StaleError("the incident is not on the page any more")


def component_of(view: View, due: Due) -> ComponentView:
    """Return the component that has changed; raises StaleError."""
    for one in view.components:
        if one.id == due.component:
            return one
    raise StaleError("the component is not on the page any more")


def _seen(view: View | None) -> View:
    if view is None:
        raise StaleError("there is nothing to be told")
    return view


def _change(due: Due) -> tuple[str, str]:
    change = msgspec.json.decode(due.document, type=noticing.Change)
    return change.old, change.new


def _fitting(payload: Callable[[Due, View, int], dict[str, Any]], due: Due, view: View) -> bytes:
    """Return a payload that may be sent, with as many updates as fit."""
    updates_max = 1 << 10
    body = msgspec.json.encode(payload(due, view, updates_max))
    while len(body) > SENT_BYTES_MAX and updates_max > 1:
        updates_max //= 2
        body = msgspec.json.encode(payload(due, view, updates_max))
    return body
