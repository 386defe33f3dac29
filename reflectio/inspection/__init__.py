"""Looking at documents without building what they describe: their parts, what the arrays hold, what differs."""
