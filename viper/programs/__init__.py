"""Programs and the API that they are written against."""
