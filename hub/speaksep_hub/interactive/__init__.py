"""Dashboards with a kernel or a session behind them: what wakes when somebody explores."""
