"""Pages of a tenant's sites, on its host."""
