"""The speed, scale and memory of the gateway, measured side by side with its peers: `python -m benchmarks`."""
