"""What v1 gives to the scripts that a parallel step runs."""
