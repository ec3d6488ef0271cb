"""What people see of untrusted text: in a terminal, a page, a notebook; pure."""
