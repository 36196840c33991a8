"""The two clients, and what carries out flows for them."""
