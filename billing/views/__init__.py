"""Pages about money on the tenant's host, and the doors for webhooks."""
