"""The tests mirror the tree of `gateway`; `parts` holds the real broker, gateway and client that they run against."""
