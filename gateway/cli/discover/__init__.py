"""`fieldgate discover`: listens on a broker and proposes a configuration."""
