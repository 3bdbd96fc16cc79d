"""Approved messages: finding, drafting, previewing, comparing, approving, publishing and withdrawing them."""
