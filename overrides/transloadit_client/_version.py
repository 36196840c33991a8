"""The one place that holds the version: the build and the `Transloadit-Client` header read it."""

__version__ = "0.1.0"
