"""Kills the real daemon at named points and at random, and counts what arrives."""
