"""What an attacker would try, and that it leads nowhere. test_index.py names the proof of each."""
