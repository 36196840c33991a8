"""The service's operations over HTTP."""
