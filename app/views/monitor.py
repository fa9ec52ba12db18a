"""Monitoring: a round by district and school, who is behind, and urging them."""
