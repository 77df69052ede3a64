"""Tests of what the chat serves to browsers."""
