"""Private parts of the original that some programs import; none of them is there."""
