"""AWS through boto3: the session and who we are (`session`), roles (`iam`), errors by reaction (`errors`)."""
