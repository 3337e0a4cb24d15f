"""Experimental parts of AutoML."""
