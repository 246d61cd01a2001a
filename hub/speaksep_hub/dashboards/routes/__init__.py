"""What the front answers: pages and what is below them, links, and the files that pages are made of."""
