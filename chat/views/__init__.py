"""The inbox page and the chat's HTTP API, on a tenant's host: one file per noun. Input -> one service or selector -> output."""
