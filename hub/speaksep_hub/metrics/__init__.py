"""What Prometheus is told: how much is asked for, how long it takes, what waits, what there is room for.

Counts and times only: no metric has a name of a person, a recording, a job or a path in it.
"""
