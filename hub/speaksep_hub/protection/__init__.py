"""What keeps the platform standing when somebody is careless or means harm: headers, limits, quotas, patience."""
