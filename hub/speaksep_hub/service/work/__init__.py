"""What the work routes do: requests become jobs, jobs become answers, results are found again."""
