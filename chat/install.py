"""What puts a site into somebody's pages: the script tag, and addresses on the widget host."""

from django.conf import settings


def script_tag(key: str) -> str:
    """What is pasted into a page."""
    return f'<script async src="{widget_url("/porchlight.js")}" data-key="{key}"></script>'


def widget_url(path: str = "") -> str:
    """An address on the widget host."""
    return f"{settings.SCHEME}://{settings.WIDGET_HOST}{path}"
