"""Pages of a tenant's people: who is in, who is invited, what each role may do."""
