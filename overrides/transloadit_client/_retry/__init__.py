"""What may be tried again, how often, and with which bytes. Pure."""
