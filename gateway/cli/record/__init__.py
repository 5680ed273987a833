"""`fieldgate record`: a serial port or a broker into a file."""
