"""Parts of AutoML that programs import by themselves."""
