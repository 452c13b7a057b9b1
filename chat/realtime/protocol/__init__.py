"""The wire: `incoming` and `outgoing` frames and their `codes`. `docs/protocol.md` is the text of it."""
