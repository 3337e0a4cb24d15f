"""Experimental pipelines of AutoML."""
