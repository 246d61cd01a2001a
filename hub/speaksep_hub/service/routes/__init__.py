"""The API: every module that has a `router` is served below `/api/v1`."""
