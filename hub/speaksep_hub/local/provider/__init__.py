"""An OpenID Connect provider for one person on one machine: whoever they want to be is one click away.

It asks for no password, so it listens on loopback only and answers nobody but the user of the machine that runs it.
"""
