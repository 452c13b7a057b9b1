"""People who have signed in to a tenant in a browser, without having typed a password. Needs Django."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from tenants import services
from tenants.context import TenantRef
from tenants.models import User


def cookie_of(tenant: TenantRef, user: User) -> str:
    """What their browser sends with each request to the tenant's host."""
    session = SessionStore()
    session.create()
    sign_in = services.record_sign_in(user_id=user.id, tenant_id=tenant.id, session_key=str(session.session_key))
    session[SESSION_KEY] = str(user.id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["tenant"], session["sid"] = str(tenant.id), str(sign_in.id)
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
