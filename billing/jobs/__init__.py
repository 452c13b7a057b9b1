"""Jobs about money: each may run twice. Procrastinate finds them through this package."""
