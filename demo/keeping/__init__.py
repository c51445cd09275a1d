"""What is open comes back: after a reload from the server, after a loss of the server from the browser's own copy."""
