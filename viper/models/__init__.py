"""The roles that models fill, and which backends can fill them."""
