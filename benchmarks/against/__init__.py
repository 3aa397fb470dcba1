"""What benchmarks/peers.py is made of: data, runs of processes, answers, the tasks, the table."""
