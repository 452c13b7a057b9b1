"""A black-box suite for any server that speaks the protocol. It knows `docs/protocol.md` and imports nothing of the product.

`make conformance` tries the product of `make up`. To try another, name it: URL (a tenant's host), WIDGET (the widget host), KEY
(an embed key), PARENT (an origin that may show the site), EMAIL and PASSWORD (of one who may make rooms there). Visitors, their
rooms and messages stay behind; the community rooms that it makes it deletes.

What nobody can bring about from outside is not tried: `bye`, with which a server leaves or sends away whom it cannot welcome now;
`resync`, after a failure behind it; `plan_limit` and `internal`. Where such a frame comes by itself, it is held to its shape.
"""
