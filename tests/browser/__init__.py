"""The browser client and the dashboard, in a real Chromium."""
