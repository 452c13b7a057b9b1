"""Console pages of the chat: rooms, moderation, sites. On a tenant's host."""
