"""Pages of keeping order in all rooms: what was reported, who is kept out, which words are refused."""
