"""Pages of community and team rooms, on a tenant's host."""
