"""onehop as a service: what comes over the wire to the executor, and back; decides nothing."""
