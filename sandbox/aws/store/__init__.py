"""What is remembered: moto's IAM models, one backend for each account.

Everything that reaches into moto is here, because moto is pinned exactly for it.
"""
