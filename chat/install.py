"""What puts a site into somebody's pages: the script tag, and addresses on the widget host."""

from uuid import UUID

from django.conf import settings


def script_tag(key: str, room_id: UUID | None = None) -> str:
    """What is pasted into a page. With a community room of the site the panel opens there."""
    room = f' data-room="{room_id}"' if room_id else ""
    return f'<script async src="{widget_url("/porchlight.js")}" data-key="{key}"{room}></script>'


def widget_url(path: str = "") -> str:
    """An address on the widget host."""
    return f"{settings.SCHEME}://{settings.WIDGET_HOST}{path}"
