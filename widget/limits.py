"""How often, for the widget. `saas/core/ratelimit.py` does the counting, per tenant."""

from saas.core.ratelimit import Limit

# Many visitors may share one address (an office, a mobile network), so the burst is large and only the long run is narrow.
SESSION_IP = Limit("widget_session_ip", times=1200, per=600)
MAX_BODY = 16 * 1024  # bytes of a session request
