"""What is broken, and whose fault: from evidence to a verdict, and from verdicts to incidents."""
