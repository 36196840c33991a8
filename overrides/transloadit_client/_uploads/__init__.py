"""Files into an Assembly by tus. Pure."""
