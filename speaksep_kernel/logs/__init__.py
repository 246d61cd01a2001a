"""What every process of the platform writes about itself: one shape, one id through all of them, nothing private."""
