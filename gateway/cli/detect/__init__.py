"""`fieldgate detect`: listens on a port and proposes a configuration."""
