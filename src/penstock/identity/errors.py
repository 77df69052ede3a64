"""What a person who wants in can be told. None of it says whether an account exists."""

from penstock.core.errors import PenstockError


class LogInError(PenstockError):
    """The log-in is refused; the reason is the same for whatever was wrong."""

    status = 401
    code = "log_in_refused"
    remedy = "Try again, or ask whoever runs this for a link that sets a new password."


class TooOftenError(PenstockError):
    """There were too many failed log-ins; ``retry_after_s`` says when the next may be tried."""

    status = 429
    code = "too_many_attempts"
    remedy = "Wait, or log in with a passkey."

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many log-ins have failed: wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class BusyError(PenstockError):
    """More passwords are to be checked than can be; ``retry_after_s`` says when to come again."""

    status = 503
    code = "log_in_busy"
    remedy = "Try again in a few seconds, or log in with a passkey. Whoever is in stays in."

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many people log in at this moment: wait {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class LinkError(PenstockError):
    """The link was used, has expired, or never was."""

    status = 410
    code = "link_gone"
    remedy = "Ask whoever made it for a new one."


class PasswordError(PenstockError):
    """The password is too easy to guess; the message says why."""

    status = 422
    code = "weak_password"
    remedy = "Choose a longer one, such as four words at random."
    param = "body.password"


class AccountError(PenstockError):
    """What is asked of an account contradicts what is there."""

    status = 409
    code = "conflict"
    remedy = "Look at what is there now, then ask again."


class NoAccountError(PenstockError):
    """There is no such account, passkey, session or token."""

    status = 404
    code = "not_found"
    remedy = "List what there is, and name one of those."
