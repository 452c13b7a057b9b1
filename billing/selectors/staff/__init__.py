"""What the staff console reads: over all tenants, in a number of queries that does not grow with them."""
