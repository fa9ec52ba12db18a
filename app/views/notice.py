"""Notices: mine, unread first, with the place each one speaks of."""
