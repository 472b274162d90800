"""From op calls to functions of one example, typed feature by feature, and the sources that they read."""
