-- The hub and the jobs number the revisions of their tables under one name: a database each.
CREATE DATABASE jobs;
