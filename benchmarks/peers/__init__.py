"""The servers and readers that the gateway is compared with, each written the way its users write it."""
