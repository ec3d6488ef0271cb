"""Where records of executions are kept."""
