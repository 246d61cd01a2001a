"""The whole platform on one machine: its parts, who watches them, and the sign-in of one person."""
