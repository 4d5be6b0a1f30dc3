"""The site for a real server."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"

from django.core.wsgi import get_wsgi_application

from benchmarks import broker

application = get_wsgi_application()
app = broker.app
