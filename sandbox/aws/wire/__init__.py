"""What travels over HTTP: the server, the protocols' codecs, the services' models."""
