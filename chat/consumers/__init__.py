"""The WebSocket transport: decode, one service, encode. `views.py` is the HTTP transport over the same services."""
