"""Each adapter on a real wire: ptys and a real Mosquitto, with the real bus and the real command router behind it."""
