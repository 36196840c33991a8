"""When to read a status, and when waiting ends. Pure."""
