"""The pure core: what should be, what is, what to do about it, and what to say. No I/O, no clock, no settings.

Read in this order: `resources` (the nouns), `permissions` and `iam_policy` (what a role may do), `admission`
(what a manifest may ask for), `desired` (manifest to State), `plan` (two States to changes), `rollout` (pods to
a finding), `conditions` (findings to status and Events).
"""
