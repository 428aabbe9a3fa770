"""AWS through boto3: the session and who we are (`session`), roles (`iam`), errors by reaction (`errors`).

For organizations: sessions in management accounts (`management`), stacks there (`cloudformation`), and what there is to
know of the organization itself (`organizations`).
"""
