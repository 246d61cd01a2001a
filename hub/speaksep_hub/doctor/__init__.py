"""What ``speaksep doctor`` looks at where a hub is installed, besides its settings; nothing is written or started."""
