"""Experimental estimators."""
