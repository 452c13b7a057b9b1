"""How often, for the widget. `saas/core/ratelimit.py` does the counting, per tenant."""

from saas.core.ratelimit import Limit

# Many visitors may share one address (an office, a mobile network), so the burst is large and only the long run is narrow.
SESSION_IP = Limit("widget_session_ip", times=1200, per=600, scope="ip")
# Visitors who were not known before; who is known comes back freely. A network is a /24, or a /64 of IPv6.
NEW_PER_NETWORK = Limit("widget_new_network", times=2_000, per=3600, scope="network")
NEW_PER_SITE = Limit("widget_new_site", times=50_000, per=3600, scope="site")
MAX_BODY = 16 * 1024  # bytes of a session request
API_VISITOR = Limit("widget_api", times=120, per=60, scope="person")
REPORT_VISITOR = Limit("widget_report", times=20, per=3600, scope="person")
INVITATION_VISITOR = Limit("widget_invitation", times=20, per=600, scope="person")
INVITATION_IP = Limit("widget_invitation_ip", times=300, per=600, scope="ip")
