"""Monitoring of deployed models."""
