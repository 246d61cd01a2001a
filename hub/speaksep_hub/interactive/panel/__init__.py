"""Panel: the views with a session behind each page."""
