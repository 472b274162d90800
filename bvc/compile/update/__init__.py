"""From gradients to parameters: the optimizer's chain, what rules say of each parameter, schedules."""
