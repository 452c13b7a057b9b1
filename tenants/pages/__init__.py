"""Console pages about people and what they did: on a tenant's host, and one's own on the platform's."""
