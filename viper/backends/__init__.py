"""One module per library; each is imported only when its backend is opened."""
