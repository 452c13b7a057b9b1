"""The peers' Django settings. Kinder than the defaults where those would break under load; each such line says so."""

import os

from saas import env

SECRET_KEY = "bench"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels", "bench.peers"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **env.database("PEER_DATABASE_URL"),
        "CONN_MAX_AGE": None,  # by default every call would connect anew
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}],  # the 5 s of redis-py 8 cut idle sockets off
            "capacity": 5_000,  # the 100 by default lose messages
        },
    }
}
