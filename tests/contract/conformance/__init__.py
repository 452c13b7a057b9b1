"""A black-box suite for any server that speaks the protocol. It knows `docs/protocol.md` and imports nothing of the product.

`make conformance` tries the product of `make up`. To try another, name it: URL (a tenant's host), WIDGET (the widget host), KEY
(an embed key), PARENT (an origin that may show the site), EMAIL and PASSWORD (of one who may make rooms there). Visitors, rooms
and messages stay behind.
"""
