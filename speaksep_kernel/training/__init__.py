"""The recipe behind the embedded network: corpus, mixer, losses, loop and scoreboard.

``python -m speaksep_kernel.training --corpus FOLDER --run FOLDER --minutes 60`` trains from nothing, and the same
command goes on from the run's last checkpoint.
"""
