"""What the methods of the API do, and the dispatch of a program's calls to them."""
