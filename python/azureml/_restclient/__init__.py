"""As much of v1's internal REST clients as programs and libraries outside of it use."""
