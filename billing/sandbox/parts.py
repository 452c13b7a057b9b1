"""Every module that registers a handler, a page or a source of things due: imported here so that it does."""

from billing.sandbox import catalog, customers, events, meters

PARTS = (catalog, customers, events, meters)
