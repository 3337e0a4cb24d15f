"""What the original SDK's REST client left in the hands of programs: one exception."""
