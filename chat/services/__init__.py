"""Writing: each change of state of the chat has one function here. Views and consumers only call them."""
