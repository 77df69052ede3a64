"""What a page or a command shows to whoever has written nothing of the kind yet."""

from typing import Final

OBJECTIVES: Final = """\
[[objectives]]
name = "enterprise-available"
target_ratio = 0.995   # of exchanges are served
window_days = 30
tier = "enterprise"

[[objectives]]
name = "enterprise-quick"
sli = "ttft"
threshold_s = 2.0      # to the first token
target_ratio = 0.99
tier = "enterprise"
"""
RECEIVER: Final = """\
[[alerts.receivers]]
name = "on-call"
kind = "webhook"             # or "slack", "email"
url_env = "ON_CALL_URL"      # the variable's name
secret_env = "ON_CALL_SECRET"
"""
