"""Every setting. What may differ between machines is read through `saas/env.py`; tests and production use this same file."""

import sys
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from saas import env
from saas.core.logs import logging_config
from saas.layers import channel_layers
from saas.staff_look import UNFOLD as UNFOLD  # the staff console's looks

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(ROOT / ".data")))

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.text("SECRET_KEY_FALLBACKS", "").split()  # those before it: what they made still holds
DEVELOPMENT = env.flag("PORCHLIGHT_DEVELOPMENT")  # nothing is checked at the start (saas/checks/)
PROCESSES = env.number("WEB_CONCURRENCY", 1)  # of gunicorn
SERVES = env.choice("PORCHLIGHT_SERVES", "all", "web", "ws")  # this process: pages and API, sockets, or both
DEMO = env.flag("PORCHLIGHT_DEMO")  # the demo customer's page and the development mailbox

# Hosts. `BASE_HOST` is the platform's, with its port if that is not the scheme's own.
SCHEME = env.text("PORCHLIGHT_SCHEME", "https")
BASE_HOST = env.text("PORCHLIGHT_BASE_HOST", "localhost:8000")
WIDGET_HOST = env.text("PORCHLIGHT_WIDGET_HOST", f"widget.{BASE_HOST}")
DEMO_HOST = f"demo.{BASE_HOST}"
ALLOWED_HOSTS = ["*"]  # tenants/middleware.py knows the hosts; any other gets a 404

INSTALLED_APPS: list[str]
SHARED_APPS = [
    *(["daphne"] if "runserver" in sys.argv[1:] else []),  # first: it replaces runserver; others start a second sooner without
    "unfold",  # before whoever else overrides the admin's templates
    "django_tenants",
    "tenants",
    "billing",
    "procrastinate.contrib.django",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # the pages of allauth.mfa speak of times with it
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "lucide",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "saas.core",
]
TENANT_APPS = ["chat", "widget"]  # no app stands in both: a name that exists twice could be read in the wrong schema
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter", "tenants.context.Router"]

# The web holds `porch_app`, which owns nothing and may only become the platform's or a tenant's role. `porch_owner` makes and
# migrates schemas: the provisioning service of sign-up uses it, and the migrate commands run as it (DATABASE_AS_OWNER=1).
AS_OWNER = env.flag("DATABASE_AS_OWNER")
OWNER_DATABASE: dict[str, Any] = {
    "ENGINE": "tenants.postgresql.owner",
    **env.database("DATABASE_OWNER_URL", "postgresql://nobody@localhost/none" if SERVES == "ws" else None),  # it makes none
    "OPTIONS": {"connect_timeout": 5},
    "CONN_MAX_AGE": 0,
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": OWNER_DATABASE
    if AS_OWNER
    else {
        "ENGINE": "tenants.postgresql",
        **env.database("DATABASE_URL"),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": 5,
            # A host that vanished is noticed within 20 s instead of 15 minutes: a thread that waits for it serves nobody.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 20_000,
            # What is kept planned (DatabaseWrapper.read, functions) is planned once, not five times first; and by indexes also
            # where a table is small at that time: what is read often is in memory, where a jump costs what a step does.
            "options": "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1",
            "pool": {"min_size": 1, "max_size": env.number("DATABASE_POOL", 10), "timeout": 10, "max_lifetime": 1800},
        },
    },
    "owner": OWNER_DATABASE,
}
MIGRATE_FIRST = env.text("MIGRATE_FIRST", "").split()  # slugs of the tenants on which a migration is tried before all others
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LIMITS = env.limits("LIMITS")  # the operator's own numbers for limits, by name

REDIS_URL = env.text("REDIS_URL", "")  # empty: one process, no Redis
REDIS_HOSTS = REDIS_URL.split()
TARGET_GROUP_ARNS = env.text("TARGET_GROUP_ARNS", "").split()  # on AWS: in which this process is a target (saas/core/target.py)
BUS_BEAT_MS = env.number("BUS_BEAT_MS", 5_000)  # between two signs of life of a process; after nine of them it is gone
CHANNEL_LAYERS = channel_layers(REDIS_HOSTS)  # the bus spreads the tenants over them (chat/realtime/bus.py)
CACHES: dict[str, dict[str, Any]] = {  # the library's limits, and codes of authenticator apps that were used up
    "default": {"BACKEND": "saas.core.shared_cache.SharedCache", "LOCATION": REDIS_HOSTS[:1]}
    if REDIS_HOSTS
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
}

ASGI_APPLICATION = "saas.asgi.application"
ROOT_URLCONF = "saas.urls_platform"  # tenants/middleware.py puts another in its place by host
MIDDLEWARE = [
    "saas.core.requests.RouteMiddleware",
    "saas.core.nul.NulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "tenants.middleware.HostMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.MembershipMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.context_processors.product",
            ],
            "libraries": {"lucide": "saas.core.icons"},  # in place of the library's own tag, which draws each icon anew
        },
    }
]

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # who has a new password, address or second factor hears of it by mail
ACCOUNT_ADAPTER = "tenants.adapters.AccountAdapter"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = SCHEME
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home/"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "tenants.adapters.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Porchlight"
MFA_TOTP_TOLERANCE = 1  # steps of 30 s that a phone's clock may be off
ACCOUNT_FORMS = {"change_password": "tenants.forms.OwnPasswordForm", "reset_password_from_key": "tenants.forms.LostPasswordForm"}
MFA_FORMS = {
    "add_webauthn": "tenants.forms.PasskeyForm",
    "authenticate": "tenants.forms.CodeForm",
    "reauthenticate": "tenants.forms.CodeOnceMoreForm",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = SCHEME == "http"  # on a machine of one's own; browsers allow it for localhost only

SECURE = SCHEME == "https"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "porchlight_session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "porchlight_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE  # host-only: no cookie domain is ever set
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
TRUST_PROXY = env.number("TRUST_PROXY", 0)  # how many proxies of ours stand one behind the other
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.AgentAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.permissions.IsMember"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "saas.core.http.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "USER_ID_CLAIM": "sub",
}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"  # each app keeps its jobs in jobs.py

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend" if DEMO else "django.core.mail.backends.smtp.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_TLS")
EMAIL_TIMEOUT = 10  # seconds for each answer: a mail server that says nothing would hold a place of the worker for ever
SUPPORT_EMAIL = env.text("SUPPORT_EMAIL", "")  # where people turn whom nobody in their tenant can help
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"Porchlight <hello@{BASE_HOST.partition(':')[0]}>")

# Static files are small and read in one piece, on the request's own thread.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
MEDIA_ROOT = DATA_DIR / "files"
FILES_BUCKET = env.text("FILES_BUCKET", "")  # a bucket of S3 instead of that folder: where several hosts share the files
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": FILES_BUCKET, "file_overwrite": False}}
    if FILES_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Money. Without a key nothing is charged: everybody has the free plan, and the pages say so.
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY", "")
STRIPE_API_BASE = env.text("STRIPE_API_BASE", "")  # the stand-in's; empty: Stripe itself
STRIPE_LIVE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
STRIPE_WEBHOOK_SECRETS = env.text("STRIPE_WEBHOOK_SECRET", "").split()  # two while one takes the other's place
STRIPE_THIN_WEBHOOK_SECRETS = env.text("STRIPE_THIN_WEBHOOK_SECRET", "").split()
STRIPE_CLOCK_FILE = env.text("STRIPE_CLOCK_FILE", "")  # by how many seconds the stand-in's clock is ahead
STRIPE_PAY_ORIGIN = env.text("STRIPE_PAY_ORIGIN", None if STRIPE_API_BASE else "")  # of the stand-in's page
PAY_ORIGINS = [STRIPE_PAY_ORIGIN] if STRIPE_API_BASE else ["https://checkout.stripe.com", "https://billing.stripe.com"]
BILLING_GRACE_DAYS = env.number("BILLING_GRACE_DAYS", 7)  # after a failed payment until a tenant is restricted
BILLING_RESTRICTED_DAYS = env.number("BILLING_RESTRICTED_DAYS", 21)  # until it is suspended
BILLING_CLOSED_DAYS = env.number("BILLING_CLOSED_DAYS", 90)  # until it is closed and its data deleted
BILLING_TWO_PERSON_ABOVE = env.number("BILLING_TWO_PERSON_ABOVE", 100_00)  # minor units that one member of staff gives alone

WORKER_IN_PROCESS = env.flag("WORKER_IN_PROCESS", default=True)  # the job worker runs in the web process

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]  # what our own pages speak: no half-translated ones
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

LOGGING = logging_config(as_json=env.choice("LOG_FORMAT", *(("line", "json") if DEMO else ("json", "line"))) == "json")
SLOW_MESSAGE_MS = env.number(
    "SLOW_MESSAGE_MS", 500
)  # from its arrival to the commit, or from there to the sockets; 0: never slow
SLOW_QUERY_MS = env.number("SLOW_QUERY_MS", 500)
SLOW_REQUEST_MS = env.number("SLOW_REQUEST_MS", 2_000)
METRICS_PORT = env.number("METRICS_PORT", 0)  # for Prometheus; the first that is free from here on. 0: no port
METRICS_HOST = env.text("METRICS_HOST", "127.0.0.1")
