"""Notices: people are told by e-mail, chat or webhook when their jobs and batches end."""
