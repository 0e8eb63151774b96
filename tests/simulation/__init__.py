"""What is promised of intervals, tests and power, kept or not in simulated studies.

`make simulations` runs all of them in full; the unit tests run each in small.
"""
