"""Monitoring of a collection: progress by district and school, who is behind, and urging."""
