"""Identity and access management: what it refuses, what it keeps."""
