"""How often, for signing in and up. `saas/core/ratelimit.py` does the counting."""

from saas.core.ratelimit import Limit

SIGN_UP_IP = Limit("sign_up_ip", times=10, per=3600, scope="ip")
TOKEN_IP = Limit("token_ip", times=30, per=60, scope="ip")
TOKEN_EMAIL = Limit("token_email", times=10, per=300, scope="person")
REFRESH_IP = Limit("refresh_ip", times=120, per=60, scope="ip")
SOCKET_TICKET_USER = Limit("socket_ticket_user", times=60, per=60, scope="person")
HAND_OVER_USER = Limit("hand_over_user", times=30, per=60, scope="person")
