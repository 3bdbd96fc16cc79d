"""What staff must see now."""
