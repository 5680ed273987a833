"""`fieldgate demo`: a gateway with simulated devices around it, so that nothing needs to be at hand to see one."""
