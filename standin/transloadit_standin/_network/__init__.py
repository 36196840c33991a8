"""Sockets, HTTP/1.1 and one request on its connection."""
