"""Words of a drill file: the kinds of faults and the surfaces that there are.

Those of ``penstock-drills/1`` stand in the file itself; a file of ``/2`` has no head, and these
hold. A test keeps them equal to the shipped file's.
"""

from collections.abc import Mapping
from typing import Final

FAULT_KINDS: Final[Mapping[str, str]] = {
    "http_400": "Answer 400 to a valid request.",
    "http_429": "Answer 429 that is the upstream's fault, not the tenant's limit.",
    "http_500": "Answer 500.",
    "http_503": "Answer 503.",
    "http_529": "Answer 529 (overloaded).",
    "http_530": "Answer 530 (edge cannot reach the origin).",
    "http_5xx": "Server error, exact code unpublished; replay 500, 502, 503 in turn.",
    "elevated_errors": "Errors of unpublished or mixed kind; replay like http_5xx.",
    "auth_error": "Answer 401 or 403 to a valid credential.",
    "connect_error": "Connection refused, reset or timed out before any HTTP answer.",
    "dns_failure": "The upstream's name does not resolve.",
    "hang": (
        "Connection open, no answer for stall_s (null = unpublished); the client gives up, "
        "logged as 499."
    ),
    "slow_ttft": "Answers arrive, but the first token is late; delay unpublished.",
    "stream_cut": "Stream starts, then ends before the final event.",
    "wrong_content": "200 with a well-formed but degraded or wrong answer.",
    "corrupt_tokens": "200 with broken or wrong-script characters in the text.",
    "login_loop": ("Log-in succeeds or redirects without end, or the session is dropped at once."),
    "challenge_block": "A bot-challenge page fails to load, so a human cannot pass.",
    "retry_amplification": ("Clients multiply requests; the number is a factor >= 1, not a share."),
}
FACTOR_KINDS: Final = ("retry_amplification",)
SURFACES: Final[Mapping[str, str]] = {
    "web": "Consumer web chat; web:<tier> for one tier.",
    "mobile": "Consumer mobile app.",
    "login": "User log-in and log-out paths.",
    "console": "Developer console, billing included.",
    "coding-cli": "Coding client.",
    "gov": "Separate government offering.",
    "video": "Video product.",
    "api": (
        "Model API as a whole; api:<feature> for one feature or product, @<region> for one region."
    ),
    "auth": "Credential or policy service behind the API.",
    "model": "model:<name>, one model on every surface; * at the end matches a family.",
}
