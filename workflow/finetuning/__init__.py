"""Fine-tuning: where model and texts come from, training, evaluation, and the grid of cells."""
