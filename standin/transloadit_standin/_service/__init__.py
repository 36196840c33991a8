"""What the service knows and does, without HTTP."""
