"""The heart of channelwatch: the domain, its use-cases, its adapters and the application that wires them."""

__version__ = "0.1.0"
