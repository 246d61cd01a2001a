"""The front of the dashboards: pages of stored results that need no kernel, for those whom they are shared with."""
