"""From a batch to outputs and a loss: the model, its views, frozen modules, the objective."""
