"""What all parts of the original SDK shared; here, the root of the exceptions."""
