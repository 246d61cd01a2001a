"""What is not the API: pages for people, health, documentation. Every module that has a `router` is served."""
