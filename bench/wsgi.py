"""The site as WSGI, without sockets: what gunicorn's worker serves in the benchmark of `config`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
