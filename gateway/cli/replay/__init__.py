"""`fieldgate replay`: a recording through the real adapters and the real bus."""
