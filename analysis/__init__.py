"""Explains a table of fine-tuning runs: regressions, surfaces, trade-offs, figures, report.

Reads files that any tool may have written and never imports TensorFlow.
"""
