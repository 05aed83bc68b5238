"""Accounts: signing in, sessions, passwords, as the settings of the security category say."""
